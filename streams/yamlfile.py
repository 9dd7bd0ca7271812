"""YAML as our files use it: a key written twice is a mistake, not the last of the two."""

from collections.abc import Hashable, Sequence
from typing import Any

import yaml
from yaml.constructor import BaseConstructor


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


class PlainLoader(_OneKeyOnce, yaml.SafeLoader):
    """Numbers, truths, texts, lists and tables, as YAML has them."""


class TextLoader(_OneKeyOnce, yaml.BaseLoader):
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
