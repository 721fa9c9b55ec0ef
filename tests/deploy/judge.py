"""What IAM would say of a call, as far as our own policies go; the rest it refuses to judge."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Statement = dict[str, Any]
Context = Mapping[str, str]


def allows(
    own: Sequence[Statement],
    boundary: Sequence[Statement],
    of_resource: Sequence[Statement],
    *,
    action: str,
    resource: str,
    context: Context,
) -> bool:
    """Say whether a role may: its policies and its boundary allow it, and nobody refuses."""
    effects = [
        {s["Effect"] for s in statements if _applies(s, action, resource, context)}
        for statements in (own, boundary, of_resource)
    ]
    if any("Deny" in effect for effect in effects):
        return False
    return "Allow" in effects[0] and "Allow" in effects[1]


def _applies(statement: Statement, action: str, resource: str, context: Context) -> bool:
    known = {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
    assert set(statement) <= known, set(statement) - known
    assert statement.get("Principal", "*") == "*"
    if not any(_is_like(one, action, re.IGNORECASE) for one in _many(statement["Action"])):
        return False
    if not any(_is_like(one, resource) for one in _many(statement["Resource"])):
        return False
    return all(
        _OPERATORS[operator](_many(wanted), context.get(key))
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _is_like(pattern: str, text: str, flags: int = 0) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, flags) is not None


def _many(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


_OPERATORS: dict[str, Callable[[list[str], str | None], bool]] = {
    "StringEquals": lambda wanted, found: found in wanted,
    "StringLike": lambda wanted, found: (
        found is not None and any(_is_like(one, found) for one in wanted)
    ),
    "ArnLike": lambda wanted, found: (
        found is not None and any(_is_like(one, found) for one in wanted)
    ),
    "Bool": lambda wanted, found: found in wanted,
    "Null": lambda wanted, found: str(found is None).lower() in wanted,
}
