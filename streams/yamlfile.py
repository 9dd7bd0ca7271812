"""YAML as our files use it: a key written twice is a mistake, not the last of the two."""

from collections.abc import Hashable
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
