"""Makes rows of instruments: all of an exchange's markets once a day, then each that changes.

A file under the state folder remembers the rows of each UTC day and line. If an exchange derives
the minimum size from a minimum value, the size moves with the price: that is no change.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from booktape.errors import UNDECODABLE
from shared.event import Instrument, ListingReason, Row, feed_event
from shared.exchange import ListedMarket
from shared.process import log
from shared.process.files import write_atomic

NS_PER_S: Final = 1_000_000_000

_log = log.get(__name__)


class _Remembered(Struct):
    date: str = ""  # of this UTC day every market has its row
    markets: list[ListedMarket] = []


_decode = msgspec.json.Decoder(_Remembered).decode
_encode = msgspec.json.Encoder().encode


class Instruments:
    """Makes rows of lists of markets; the thread that requests the lists owns it."""

    def __init__(self, path: Path) -> None:
        """Begin with the rows that an earlier process of the line left at this path, if any."""
        self._path = path
        self._is_new = True  # no list has come in this process
        remembered = _read(path)
        self._date = remembered.date
        self._known = {market.symbol: market for market in remembered.markets}

    def update(self, markets: Iterable[ListedMarket], ts: int) -> Iterator[Row]:
        """Yield the rows of a list received at `ts`; an empty list proves nothing.

        Record these rows before the next call: it remembers them as recorded.
        """
        listed = {market.symbol: market for market in markets}
        if not listed:
            return
        if not self._is_new:
            self._remember()
        date = datetime.fromtimestamp(ts // NS_PER_S, tz=UTC).date().isoformat()
        is_whole = date != self._date
        for symbol, market in listed.items():
            before = self._known.get(symbol)
            if is_whole:
                yield ts, symbol, _make_row(market, "start" if self._is_new else "day")
            elif before is None:
                yield ts, symbol, _make_row(market, "listed")
            elif _plain(before) != _plain(market):
                yield ts, symbol, _make_row(market, "changed")
        for symbol in self._known.keys() - listed.keys():
            gone = replace(self._known[symbol], status="delisted")
            yield ts, symbol, _make_row(gone, "delisted")
        if not self._is_new:
            yield from self._find_statuses(listed, ts)
        self._known, self._date, self._is_new = listed, date, False

    def _find_statuses(self, listed: dict[str, ListedMarket], ts: int) -> Iterator[Row]:
        """Yield a row for each status that changed since the last list."""
        for symbol in sorted(listed.keys() | self._known.keys()):
            now, before = listed.get(symbol), self._known.get(symbol)
            status = now.status if now else "delisted"
            status_before = before.status if before else None
            if status != status_before:
                raw = now.raw_status if now else None
                yield ts, symbol, feed_event("status", status=status, before=status_before, raw=raw)

    def _remember(self) -> None:
        """Remember the recorded rows; if that fails, the next start records them once more."""
        remembered = _Remembered(self._date, list(self._known.values()))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(self._path, _encode(remembered))
        except OSError as error:
            _log.warning("cannot remember the markets", extra={"reason": str(error)})


def _read(path: Path) -> _Remembered:
    try:
        return _decode(path.read_bytes())
    except (OSError, *UNDECODABLE):
        return _Remembered()  # a new state folder, or a release before this one


def _make_row(market: ListedMarket, reason: ListingReason) -> Instrument:
    base, _, quote = market.symbol.rpartition("-")
    return Instrument(
        raw_symbol=market.raw_symbol,
        base=base,
        quote=quote,
        status=market.status,
        price_decimals=market.price_decimals,
        size_decimals=market.size_decimals,
        price_increment=market.price_increment,
        size_increment=market.size_increment,
        min_size=market.min_size,
        max_size=market.max_size,
        min_notional=market.min_notional,
        max_notional=market.max_notional,
        reason=reason,
        info=market.info,
    )


def _plain(market: ListedMarket) -> ListedMarket:
    """Return a market without the fields that move with its price."""
    min_size = market.min_size if market.min_notional is None else None
    return replace(market, info="", min_size=min_size)
