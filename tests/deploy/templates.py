"""The templates as values, intrinsics in their long form."""

import re
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


def fill(value: Value, given: dict[str, str]) -> Value:  # noqa: PLR0911 # one for each intrinsic
    """Return a part of a template with these names in place of what refers to them.

    A condition is true where its name is given as one that is not empty.
    """
    if isinstance(value, list):
        filled = [fill(item, given) for item in value]
        return [item for item in filled if item is not None]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": "AWS::NoValue"}:
            return None
        case {"Ref": name}:
            return given[name]
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^!}]+)\}", lambda found: given[found[1]], text)
        case {"Fn::GetAtt": [name, attribute]}:
            return given[f"{name}.{attribute}"]
        case {"Fn::If": [condition, then, otherwise]}:
            return fill(then if given.get(condition) else otherwise, given)
        case {"Fn::Join": [by, parts]}:
            return by.join(fill(parts, given))
        case _:
            return {key: fill(item, given) for key, item in value.items()}
