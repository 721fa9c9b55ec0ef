"""The command `silence`: silences an exchange's own troubles while it has announced maintenance."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from booktape.errors import BooktapeError
from booktape.times import parse_every, parse_moment
from services.operator.health.silences import Silence, end_silence, write_silence
from shared.process.settings import Settings

# A longer silence would be forgotten.
DAYS_MAX: Final = 7
_NS_OF_US: Final = 1000
_DAY_NS: Final = 86_400 * 10**9


def run(
    settings: Settings, exchange: str, until: str | None, *, clock_ns: Callable[[], int]
) -> int:
    """Silence an exchange until a moment; with `None` end its silence."""
    folder = settings.state.folder
    if until is None:
        end_silence(folder, exchange)
        print(f"{exchange}: its troubles are no longer silent")
        return 0
    now = clock_ns()
    end = _parse(until, now)
    if not now < end <= now + DAYS_MAX * _DAY_NS:
        raise BooktapeError(f"--until {until}: takes a time to come, at most {DAYS_MAX} days ahead")
    write_silence(folder, Silence(exchange=exchange, until=end, ts=now))
    said = datetime.fromtimestamp(end // 10**9, tz=UTC)
    print(
        f"{exchange}: its own troubles are silent until {said:%Y-%m-%d %H:%M:%S} UTC; "
        f"sooner: booktape silence {exchange} --end"
    )
    return 0


def _parse(text: str, now: int) -> int:
    """Return in ns the moment that a time, or a duration from now, names."""
    try:
        return now + parse_every(text) * _NS_OF_US
    except ValueError:
        pass
    try:
        return parse_moment(text) * _NS_OF_US
    except ValueError:
        example = "2026-11-30T06:00:00Z, or 2h"
        raise BooktapeError(f"--until {text}: takes a time such as {example}") from None
