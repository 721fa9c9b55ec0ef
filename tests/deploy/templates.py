"""The templates as values, intrinsics in their long form."""

from typing import Any

import yaml

from tests.support.paths import ROOT

FOLDER = ROOT / "cloudformation"
NAMES = ("bootstrap", "data", "collector")

Value = Any


class _Loader(yaml.SafeLoader):
    pass


def _construct(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Value]:
    value: Value
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt":
        value = value.split(".", 1)
    return {suffix if suffix == "Ref" else f"Fn::{suffix}": value}


yaml.add_multi_constructor("!", _construct, Loader=_Loader)


def load(name: str) -> dict[str, Value]:
    """Return a template."""
    text = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    template: dict[str, Value] = yaml.load(text, _Loader)
    return template


def resources(name: str, kind: str) -> dict[str, Value]:
    """Return the resources of one type, by their logical names."""
    every = load(name)["Resources"]
    return {key: value for key, value in every.items() if value["Type"] == kind}


def properties(name: str, logical: str) -> Value:
    """Return what one resource is made of."""
    return load(name)["Resources"][logical]["Properties"]


def many(value: Value) -> list[Value]:
    """Return what may stand alone as a list."""
    return value if isinstance(value, list) else [value]
