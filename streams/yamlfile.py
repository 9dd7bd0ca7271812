"""YAML as our files use it: a key written twice is a mistake, so is a day that is none."""

from collections.abc import Hashable, Sequence
from datetime import date
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import BaseConstructor, SafeConstructor
from yaml.parser import Parser

DEEPEST = 100  # lists and tables in each other; no file of ours needs ten


class _OneKeyOnce(BaseConstructor):
    """Refuses a key that a table holds twice, of which the last would win."""

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002 (PyYAML's own)
    ) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} is written twice",
                    problem_mark=key.start_mark,
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


class _NotTooDeep(Parser, Composer):
    """Refuses what is nested deeper than the stack of a reader can follow."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self._depth == DEEPEST:
            raise yaml.MarkedYAMLError(
                problem=f"more than {DEEPEST} lists and tables in each other",
                problem_mark=self.peek_event().start_mark,  # type: ignore[no-untyped-call]
            )
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


class PlainLoader(_OneKeyOnce, _NotTooDeep, yaml.SafeLoader):
    """Numbers, truths, days, texts, lists and tables, as YAML has them."""

    def construct_day(self, node: yaml.ScalarNode) -> date:
        """Return a day or an instant; one that the calendar does not have is a mistake."""
        try:
            return SafeConstructor.construct_yaml_timestamp(self, node)
        except (ValueError, OverflowError) as error:
            raise yaml.MarkedYAMLError(
                problem=f"there is no day or instant {node.value!r}",
                problem_mark=node.start_mark,
            ) from error


PlainLoader.add_constructor("tag:yaml.org,2002:timestamp", PlainLoader.construct_day)


class TextLoader(_OneKeyOnce, _NotTooDeep, yaml.BaseLoader):
    """Texts, lists and tables: `12:00` and `NO` mean themselves."""


def line_of(root: yaml.Node, place: Sequence[str | int]) -> int | None:
    """Return the line, from 1, on which a place of a file begins; None if it is not there.

    A place is the names and list numbers that lead to it; that of the whole file is empty.
    """
    node, mark = root, root.start_mark
    for step in place:
        found = _child(node, step)
        if found is None:
            return None
        key, node = found
        mark = key.start_mark
    return int(mark.line) + 1


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """Return the node that begins a part of a table or list, and the part itself."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == str(step):
                return key, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return (node.value[step], node.value[step]) if step < len(node.value) else None
    return None
