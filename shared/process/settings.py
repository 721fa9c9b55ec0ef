"""Loads the settings of an operator, and checks them all before anything starts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from msgspec import Meta, Struct, ValidationError, convert
from msgspec.structs import fields, replace

from booktape.errors import ConfigError
from booktape.settings_source import Given, Key, find_file, read_environment, read_file
from booktape.store.storage import Storage
from shared.exchange import SYMBOL
from shared.process.sinks import (
    SINKS,
    SinkSettings,
    explain_name,
    find_faults,
    find_names,
    hide,
)
from shared.process.state import StateFolder

ALL = "all"
DAY_S = 86_400
GIB = 1 << 30

# A description completes the sentence "takes ...".
Seconds = Annotated[
    float, Meta(gt=0, le=DAY_S, description=f"seconds, above 0 and at most {DAY_S}")
]
_LOOPBACK = r"(localhost|127(\.\d+){3}|\[::1\])"
# A name in small letters is a mistake: symbols have capital letters.
_SYMBOL = rf"^(?![^A-Z]*[a-z][^A-Z]*\Z){SYMBOL}\Z"


class State(Struct, frozen=True):
    """The state folder, on the one disk that survives a restart: journals, spool, locks, logs."""

    path: Annotated[Path, Meta(description="a folder")] = Path("var")
    disk_free_min_bytes: Annotated[
        int, Meta(ge=0, le=1 << 50, description="a whole number of bytes, 0 or more")
    ] = GIB
    # Distinguishes boxes that record into one root: the cell and a letter name a line.
    cell: Annotated[
        str,
        Meta(pattern=r"^[a-z0-9]{0,15}\Z", description="at most 15 small letters and digits"),
    ] = ""

    @property
    def folder(self) -> StateFolder:
        """Return the layout of the folder."""
        return StateFolder(self.path)


class WriterSettings(Struct, frozen=True):
    """The limits of a buffer: the writer flushes it when it reaches the first of them."""

    flush_interval_s: Seconds = 300.0
    flush_rows: Annotated[
        int, Meta(ge=1, le=10_000_000, description="a whole number from 1 to 10000000")
    ] = 2_000_000
    flush_bytes: Annotated[
        int, Meta(ge=1, le=GIB, description=f"a whole number of bytes from 1 to {GIB}")
    ] = 64 << 20


Market = Annotated[str, Meta(pattern=rf"^[a-z0-9_]+:{SYMBOL}\Z")]
_WEB = Meta(
    pattern=r"^(https?://[^\s/?#@]+(/\S*)?)?\Z",
    description='"http://<host>/<path>" or "https://<host>/<path>"; empty: nobody is called',
)


SPREAD = "a list of four different markets: [A, B, the one to convert A's quote, the same for B]"


class DashboardSettings(Struct, frozen=True):
    """The dashboard's page, which is on loopback alone."""

    port: Annotated[
        int, Meta(ge=0, le=65_535, description="a whole number from 0 (any) to 65535")
    ] = 8600
    # The markets whose ladders come first; empty: two of each exchange.
    symbols: Annotated[
        tuple[Market, ...], Meta(description='a list such as ["bitvavo:BTC-EUR"]')
    ] = ()
    # The premium of the second market over the first; the last two convert both to one currency.
    spread: Annotated[
        tuple[Market, ...], Meta(max_length=4, description=f"{SPREAD}, or an empty list")
    ] = ()


class AlertSettings(Struct, frozen=True):
    """The dashboard's process calls these addresses when a trouble begins or ends."""

    webhook_url: Annotated[str, _WEB] = ""
    heartbeat_url: Annotated[str, _WEB] = ""
    after_s: Annotated[float, Meta(ge=0, le=DAY_S, description=f"seconds, from 0 to {DAY_S}")] = (
        60.0
    )
    repeat_s: Seconds = 14_400.0


class ExchangeSettings(Struct, frozen=True, kw_only=True):
    """One exchange's recording; the exchange declares each default that is missing here.

    `symbols` is None for all markets: the ingest then follows listings and delistings.
    """

    enabled: Annotated[bool, Meta(description="true or false")] = True
    # Our share of the exchange's limit for an address; other users of the address have the rest.
    limit_share: Annotated[
        float, Meta(gt=0, le=1, description="a share, above 0 and at most 1")
    ] = 0.8
    symbols: Annotated[
        Annotated[tuple[Annotated[str, Meta(pattern=_SYMBOL)], ...], Meta(min_length=1)] | None,
        Meta(description='a list such as ["BTC-EUR"], or "all"'),
    ]
    channels: Annotated[
        tuple[Literal["book", "trades", "ticker"], ...],
        Meta(min_length=1, description='a list of "book", "trades", "ticker"'),
    ] = ("book", "trades", "ticker")
    transport: Annotated[
        Literal["websocket", "rest"], Meta(description='"websocket" or "rest"')
    ] = "websocket"
    poll_interval_s: Seconds = 1.0
    # A message may wait so long, so that one read takes several; 0: read each at once.
    read_interval_ms: Annotated[
        float, Meta(ge=0, le=100, description="milliseconds, from 0 to 100")
    ]
    checkpoint_interval_s: Seconds = 3600.0
    # After a longer limit a dead connection would pass for a quiet market.
    stale_after_s: Annotated[
        float, Meta(gt=0, le=600, description="seconds, above 0 and at most 600")
    ] = 20.0
    symbols_per_socket: Annotated[
        int, Meta(ge=1, le=10_000, description="a whole number from 1 to 10000")
    ]
    websocket_url: Annotated[
        str,
        Meta(
            pattern=rf"^(wss://[^\s/?#@]+|ws://{_LOOPBACK}(:\d+)?)(/\S*)?\Z",
            description='"wss://<host>/<path>"; "ws://" on loopback only',
        ),
    ]
    rest_url: Annotated[
        str,
        Meta(
            pattern=rf"^(https://[^\s/?#@]+|http://{_LOOPBACK}(:\d+)?)(/[^\s?#]*)?\Z",
            description='"https://<host>/<path>"; "http://" on loopback only',
        ),
    ]


def is_on_loopback(own: ExchangeSettings) -> bool:
    """Return whether an exchange is simulated: only then is its address on this machine."""
    return own.websocket_url.startswith("ws://")


class Settings(Struct, frozen=True):
    """The whole configuration, with absolute paths; `folder` is that of its file."""

    storage: Storage
    state: State
    writer: WriterSettings
    exchanges: dict[str, ExchangeSettings]
    folder: Path
    dashboard: DashboardSettings = DashboardSettings()
    alerts: AlertSettings = AlertSettings()
    sinks: dict[str, SinkSettings] = {}


def load(
    environment: Mapping[str, str],
    folder: Path | None = None,
    *,
    exchanges: Mapping[str, ExchangeSettings],
) -> Settings:
    """Return the settings of the file in `folder` (the current one) and of the environment.

    `exchanges` has the defaults of every exchange. Raise ConfigError with all faults.
    """
    path = find_file(environment, folder or Path.cwd())
    given = read_file(path) | read_environment(environment)
    sinks = find_names(given)
    values = _check(given, dict(_kinds(exchanges, sinks)), find_faults(given, sinks, exchanges))
    base = path.parent
    storage = _fill(Storage(), values, "storage")
    state = _fill(State(), values, "state")
    return Settings(
        storage=replace(storage, url=_absolute(storage.url, base)),
        state=replace(state, path=base / state.path),
        writer=_fill(WriterSettings(), values, "writer"),
        exchanges={
            name: _fill(defaults, values, "exchanges", name) for name, defaults in exchanges.items()
        },
        folder=base,
        dashboard=_fill(DashboardSettings(), values, "dashboard"),
        alerts=_fill(AlertSettings(), values, "alerts"),
        sinks={name: _fill(SinkSettings(), values, SINKS, name) for name in sinks},
    )


def _kinds(
    exchanges: Mapping[str, ExchangeSettings], sinks: Sequence[str]
) -> Iterator[tuple[Key, Any]]:
    """Yield each key by its full name, with the type of its values."""
    sections: dict[Key, type[Struct]] = {
        ("storage",): Storage,
        ("state",): State,
        ("writer",): WriterSettings,
        ("dashboard",): DashboardSettings,
        ("alerts",): AlertSettings,
    }
    for name in exchanges:
        sections["exchanges", name] = ExchangeSettings
    for name in sinks:
        sections[SINKS, name] = SinkSettings
    for section, struct in sections.items():
        for field in fields(struct):
            yield (*section, field.name), field.type


def _check(
    given: Mapping[Key, Given], kinds: Mapping[Key, Any], faults: list[str]
) -> dict[Key, object]:
    """Return the given keys as our own values, or raise every fault at once."""
    values: dict[Key, object] = {}
    for key, (value, origin) in given.items():
        if key not in kinds:
            faults += _unknown(key, value, origin, kinds)
            continue
        try:
            values[key] = _read(value, kinds[key])
        except ValidationError:
            takes = kinds[key].__metadata__[-1].description
            shown = hide(key, _LOGIN.sub("//***@", repr(value)))
            faults.append(f"{'.'.join(key)} = {shown} in {origin}: takes {takes}")
    if faults:
        raise ConfigError(faults)
    return values


def _read(value: object, kind: Any) -> object:
    """Return the value converted to its type; a list loses its duplicates."""
    if value == ALL and kind == _SYMBOLS:
        return None
    if type(value) is date:  # TOML writes one without quotes
        value = value.isoformat()
    read = convert(value, kind, dec_hook=_read_path)
    return tuple(dict.fromkeys(read)) if isinstance(read, tuple) else read


def _read_path(_: type, value: object) -> Path:
    if not (isinstance(value, str) and value):
        raise ValidationError
    return Path(value)


def _unknown(key: Key, value: object, origin: str, kinds: Mapping[Key, Any]) -> list[str]:
    """Describe an unknown key; never show its value, which may be a secret."""
    name = ".".join(key)
    if key[0] == SINKS and not any(known[:2] == key[:2] for known in kinds):
        return [] if value == {} else [explain_name(key, origin)]
    if key == ("exchanges",) or any(known[: len(key)] == key for known in kinds):
        return [] if value == {} else [f"{name} in {origin}: takes keys of its own: [{name}]"]
    exchanges = {known[1] for known in kinds if known[0] == "exchanges"}
    if key[0] == "exchanges" and key[1] not in exchanges:
        there_are = ", ".join(sorted(exchanges)) or "none"
        return [f"{name} in {origin}: no such exchange; there are: {there_are}"]
    near = get_close_matches(name, [".".join(known) for known in kinds], n=1)
    return [f"{name} in {origin}: no such key" + "".join(f"; is it {n}?" for n in near)]


Section = TypeVar("Section", bound=Struct)


def _fill(defaults: Section, values: Mapping[Key, object], *section: str) -> Section:
    """Return the section: the given values, else its defaults."""
    changes = {key[-1]: value for key, value in values.items() if key[:-1] == section}
    return replace(defaults, **changes)


def _absolute(url: str, base: Path) -> str:
    """Return the URL with an absolute path."""
    if not url.startswith("file:"):
        return url
    return f"file:{base / url.removeprefix('file:')}"


_SYMBOLS = next(field.type for field in fields(ExchangeSettings) if field.name == "symbols")
# User and password in an address.
_LOGIN = re.compile(r"//[^/@]*@")
