"""Checks the settings of sinks, the other stores that a reader of the ledger feeds."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Final, Literal, TypeGuard

from msgspec import Meta, Struct

from booktape.errors import TapeError
from booktape.keys import day_of
from booktape.settings_source import Given, Key

SINKS: Final = "sinks"
SinkTable = Literal["ticker", "trades", "feed_events"]
SINK_TABLES: Final[tuple[SinkTable, ...]] = ("ticker", "trades", "feed_events")

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_URL: Final = r"^https?://[^\s/?#@]+(/[^\s#]*)?\Z"
_DATE: Final = r"\d{4}-\d\d-\d\d"
_HIDDEN: Final = "authorization"
_QUERY: Final = re.compile(r"\?.*")


class SinkSettings(Struct, frozen=True, kw_only=True):
    """One sink: the store that it feeds, and the rows that it sends.

    `begin` is a date, or empty for the date of its first start; `exchanges` is empty for all.
    """

    url: Annotated[
        str,
        Meta(pattern=_URL, description='"http://<host>/<path>?<query>" that takes line protocol'),
    ] = ""
    authorization: Annotated[
        str, Meta(pattern=r"^[ -~]*\Z", description="the whole header, such as Bearer <token>")
    ] = ""
    tables: Annotated[
        tuple[SinkTable, ...],
        Meta(min_length=1, description='a list of "ticker", "trades", "feed_events"'),
    ] = SINK_TABLES
    exchanges: Annotated[
        tuple[str, ...], Meta(description='a list such as ["bitvavo"], or [] for all')
    ] = ()
    begin: Annotated[
        str,
        Meta(pattern=rf"^({_DATE})?\Z", description='a date such as "2026-11-30"'),
    ] = ""
    poll_interval_s: Annotated[
        float, Meta(ge=1, le=86_400, description="seconds, from 1 to 86400")
    ] = 30.0


def find_names(given: Iterable[Key]) -> list[str]:
    """Return the names of the configured sinks."""
    named = {key[1] for key in given if key[0] == SINKS and len(key) > 1}
    return sorted(name for name in named if _NAME.fullmatch(name))


def find_faults(
    given: Mapping[Key, Given], names: Iterable[str], exchanges: Iterable[str]
) -> list[str]:
    """Return the faults beyond the keys' types: no URL, no such date, no such exchange."""
    return [fault for name in names for fault in _find_faults(given, name, list(exchanges))]


def explain_name(key: Key, origin: str) -> str:
    """Return the fault of a key without the name of a sink."""
    return f"{'.'.join(key)} in {origin}: takes [{SINKS}.<name>], at most 32 of a-z, 0-9 and _"


def hide(key: Key, shown: str) -> str:
    """Return a value that is fit to show: that of a sink without its password and query."""
    if key[0] != SINKS:
        return shown
    return "***" if key[-1] == _HIDDEN else _QUERY.sub("?***", shown)


def _find_faults(given: Mapping[Key, Given], name: str, exchanges: list[str]) -> Iterator[str]:
    if (SINKS, name, "url") not in given:
        yield f"{SINKS}.{name}.url is missing: which store takes the rows?"
    begin = given.get((SINKS, name, "begin"))
    if begin and isinstance(begin.value, str) and _is_no_day(begin.value):
        yield f"{SINKS}.{name}.begin = {begin.value!r} in {begin.origin}: is no date"
    wanted = given.get((SINKS, name, "exchanges"))
    unknown = set(wanted.value) - set(exchanges) if wanted and _is_list(wanted.value) else set()
    if wanted and unknown:
        said, there_are = ", ".join(sorted(unknown)), ", ".join(sorted(exchanges)) or "none"
        yield (
            f"{SINKS}.{name}.exchanges in {wanted.origin}: no exchange {said}; there are: "
            f"{there_are}"
        )


def _is_list(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_no_day(text: str) -> bool:
    """Return whether a text looks like a date but is none; the type refuses other texts."""
    try:
        day_of(text)
    except TapeError:
        return re.fullmatch(_DATE, text) is not None
    return False
