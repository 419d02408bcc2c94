"""template.yaml, read."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[1]


class Template(yaml.SafeLoader):  # type: ignore[misc]
    """template.yaml, its short functions read as {name: value}."""


def _short(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {suffix: loader.construct_mapping(node, deep=True)}


def layers_of(function: dict[str, Any], holding: frozenset[str] = frozenset()) -> set[str]:
    """The layers of a function by their names, where of all conditions only `holding` hold."""
    found = set()
    for layer in function["Properties"].get("Layers", []):
        if "If" in layer:
            condition, then, otherwise = layer["If"]
            layer = then if condition in holding else otherwise
        found.add(layer["Ref"])
    return found - {"AWS::NoValue"}


Template.add_multi_constructor("!", _short)


@cache
def template() -> dict[str, Any]:
    """template.yaml as it is."""
    loaded: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), Template)  # noqa: S506
    return loaded
