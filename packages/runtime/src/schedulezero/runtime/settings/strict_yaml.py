"""YAML without the silent loss of the earlier of two equal keys."""

from collections.abc import Hashable
from typing import Any

import yaml


class NotStrict(Exception):
    """It is no YAML, or a key occurs twice; the text says where and what."""


def parse(text: str) -> object:
    """Return what `text` says.

    Raises:
        NotStrict: it cannot be read.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise NotStrict(f"{place}{error.problem}") from None
    except yaml.YAMLError as error:
        raise NotStrict(" ".join(str(error).split())) from None


class _Loader(yaml.SafeLoader):
    """Refuses the second of two equal keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                problem = f"the key {key.value!r} occurs twice; remove one"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)
