"""Looks into a tape's ledger for the flushes that a sink has not fed yet.

Listing a date costs a request to the store. So most looks list today alone; one an hour lists the
dates of a week, one a day (and the first) all dates. These find a flush that the writer stored
late; a later flush of the same session shows at once that one is missing.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from booktape.errors import TapeError
from booktape.keys import LEDGER, Key, date_of, day_of, parse_key
from booktape.store.protocol import Store
from services.sink.protocol import SinkProgress

DAY_S: Final = 86_400
HOUR_S: Final = 3_600
LATE_S: Final = 3_600  # after midnight the writer may still store yesterday's flushes
WEEK_DAYS: Final = 7


class Looks:
    """Finds the due flushes, those of a session in their order."""

    def __init__(
        self,
        store: Store,
        *,
        exchanges: Sequence[str],
        begin: str,
        clock_ns: Callable[[], int],
        steady_s: Callable[[], float],
    ) -> None:
        """Look for `exchanges` (if empty, for all) from the date `begin` on."""
        self._store = store
        self._wanted = exchanges
        self._begin = day_of(begin)
        self._clock_ns = clock_ns
        self._steady_s = steady_s
        self._days: dict[str, list[int]] = {}  # of each exchange, as the last wide look listed them
        self._looked_at_week_s: float | None = None
        self._looked_at_all_s: float | None = None
        self._holes: set[Key] = set()  # they follow flushes that the tape lacks

    def find_due(self, progress: SinkProgress) -> list[Key]:
        """Return the manifests still to feed, by date; raise `StoreError` if the store fails."""
        now_s = self._steady_s()
        is_all = _is_due(self._looked_at_all_s, DAY_S, now_s)
        is_week = is_all or _is_due(self._looked_at_week_s, HOUR_S, now_s)
        if is_week:
            self._days = self._find_days()
        found: list[Key] = []
        for exchange, there in self._days.items():
            days = self._choose(there, is_all=is_all, is_week=is_week)
            found += self._look(exchange, days, progress)
        if is_all:
            self._holes.intersection_update(found)
            progress.forget({key.session for key in found})
            self._looked_at_all_s = now_s
        if is_week:
            self._looked_at_week_s = now_s
        due = [key for key in found if key.last >= progress.next(key.session)]
        return sorted(due, key=lambda key: (key.date, key.exchange, key.session, key.first))

    def _find_days(self) -> dict[str, list[int]]:
        """Return each exchange with the dates in its ledger."""
        names = self._wanted or self._store.folders(f"{LEDGER}exchange=")
        return {
            name: sorted(_days_of(self._store.folders(f"{LEDGER}exchange={name}/date=")))
            for name in names
            if name
        }

    def _choose(self, there: Sequence[int], *, is_all: bool, is_week: bool) -> set[int]:
        """Return the days to list; always include today, even if no wide look saw it."""
        now_s = self._clock_ns() // 10**9
        today = now_s // DAY_S
        recent = {(now_s - LATE_S) // DAY_S, today}
        if is_all:
            return recent | set(there)
        if is_week:
            return recent | {day for day in there if day > today - WEEK_DAYS}
        return recent

    def _look(self, exchange: str, days: set[int], progress: SinkProgress) -> list[Key]:
        keys = self._list(exchange, days)
        missing = self._find_missing(keys, progress)
        if missing:
            return self._list(exchange, days | missing)
        return keys

    def _find_missing(self, keys: Sequence[Key], progress: SinkProgress) -> set[int]:
        """Return the days that may hold the missing flushes of a session.

        Look for the flushes of each hole once: they may be gone, or older than `begin`.
        """
        days: set[int] = set()
        reached: dict[str, int] = {}
        for key in keys:
            expected = reached.get(key.session, progress.next(key.session))
            if key.first > expected and key not in self._holes:
                self._holes.add(key)
                start = max(_start_of(key.session), self._begin)
                days |= set(range(start, day_of(key.date) + 1))
            reached[key.session] = max(expected, key.last + 1)
        return days

    def _list(self, exchange: str, days: set[int]) -> list[Key]:
        """Return the manifests of these days, by session and number.

        List the latest day first: the writer stores flushes in the order of events, so the earlier
        days, listed later, then have every flush before a listed one.
        """
        keys = [
            key
            for day in sorted(days, reverse=True)
            if day >= self._begin
            for key in self._list_day(exchange, date_of(day))
        ]
        return sorted(keys, key=lambda key: (key.session, key.first))

    def _list_day(self, exchange: str, date: str) -> Iterator[Key]:
        for info in self._store.list(f"{LEDGER}exchange={exchange}/date={date}/"):
            try:
                yield parse_key(info.key)
            except TapeError:  # not an object of ours
                continue


def _is_due(looked_s: float | None, every_s: float, now_s: float) -> bool:
    return looked_s is None or now_s - looked_s >= every_s


def _days_of(names: Sequence[str]) -> Iterator[int]:
    for name in names:
        try:
            yield day_of(name)
        except TapeError:  # not a folder of ours
            continue


def _start_of(session: str) -> int:
    """Return the day on which a session began, from its id."""
    return day_of(f"{session[:4]}-{session[4:6]}-{session[6:8]}")
