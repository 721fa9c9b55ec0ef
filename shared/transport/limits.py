"""Keeps an exchange's limits for one address, shared by all our processes on this box.

In any stretch of time as long as a limit's interval, at most a share of its points is granted; the
rest is for whoever else lives behind this address.
Grants are kept as (time, points). Those within one slot, a `SLOTS`th of the interval, share the
time of the first and are forgotten one interval after their slot's end, so that each of them is
remembered for an interval or a little longer.

The clock is the steady one, which all processes share and nobody sets.
Where it jumps back (at a reboot) what was granted or blocked before counts as of now: for
an interval more at the most, and a ban from its beginning.
"""

import fcntl
import math
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from booktape.errors import UNDECODABLE
from shared.errors import ConnectionLost, RateLimited
from shared.exchange import Cost, Limit
from shared.process import log

SHARE: Final = 0.8  # where nothing else is configured
SLOTS: Final = 40
BLOCK_S_MAX: Final = 86_400.0  # who bans for longer is asked again after a day
FILE_BYTES_MAX: Final = 65_536  # each limit takes about 1 kB
NS_PER_S: Final = 1_000_000_000

_ALL = ""  # the limit that a block of everything is filed under
_log = log.get(__name__)

_Count = Annotated[int, Meta(ge=0)]
_Grant = tuple[_Count, _Count]  # time and points


class _State(Struct):
    grants: dict[str, list[_Grant]] = {}  # of each limit, oldest first
    blocks: dict[str, tuple[_Count, _Count]] = {}  # of each limit: since when, for how long


_decoder = msgspec.json.Decoder(_State)


class Limits:
    """Grants points to any thread of any process."""

    def __init__(
        self,
        path: Path,
        limits: Mapping[str, Limit],
        *,
        steady_s: Callable[[], float],
        share: float = SHARE,
    ) -> None:
        """Share `path` with the other processes of this exchange."""
        self._path = path
        self._steady_s = steady_s
        self._points_max = {name: find_points(limit, share) for name, limit in limits.items()}
        self._interval_ns = {name: int(one.interval_s * NS_PER_S) for name, one in limits.items()}
        # One point has no share: it is to be declared as ten in ten times as long.
        assert all(points >= 1 for points in self._points_max.values())
        self._state = _State()
        self._is_shared = True
        self._lock = threading.Lock()  # keeps threads apart even where there is no file
        path.parent.mkdir(parents=True, exist_ok=True)

    def spend(self, cost: Cost) -> float:
        """Spend the points and return 0.0, or spend none and return the seconds to wait."""
        points_max = self._points_max[cost.limit]
        assert 1 <= cost.points <= points_max
        slot_ns = self._interval_ns[cost.limit] // SLOTS
        lifetime_ns = self._interval_ns[cost.limit] + slot_ns
        with self._locked() as (state, now):
            if block_ns := max(_block_ns(state, name, now) for name in (_ALL, cost.limit)):
                return block_ns / NS_PER_S
            grants = [one for one in state.grants.get(cost.limit, []) if now - one[0] < lifetime_ns]
            excess = sum(points for _, points in grants) + cost.points - points_max
            if excess > 0:
                return (_ts_free(grants, excess) + lifetime_ns - now) / NS_PER_S
            state.grants[cost.limit] = _add(grants, now, cost.points, slot_ns=slot_ns)
            return 0.0

    def acquire(self, cost: Cost, *, timeout_s: float, stop: threading.Event) -> None:
        """Spend the points as soon as they are there.

        Raise RateLimited where that takes too long, ConnectionLost where `stop` comes first.
        """
        while wait_s := self.spend(cost):
            if wait_s > timeout_s:
                raise RateLimited(f"no {cost.limit} are left to us", retry_after_s=wait_s)
            if stop.wait(wait_s):
                raise ConnectionLost("stopped")
            timeout_s -= wait_s

    def block(self, wait_s: float, limit: str | None = None) -> None:
        """Grant nothing from this limit, or any, for so long; a block never shortens another."""
        name = _ALL if limit is None else limit
        assert name == _ALL or name in self._points_max
        block_ns = int(min(max(wait_s, 0.0), BLOCK_S_MAX) * NS_PER_S)
        with self._locked() as (state, now):
            if block_ns > _block_ns(state, name, now):
                state.blocks[name] = now, block_ns

    def blocked_s(self, *limits: str) -> float:
        """Return for how long one of these limits, or any, grants nothing."""
        with self._locked() as (state, now):
            return max(_block_ns(state, name, now) for name in (_ALL, *limits)) / NS_PER_S

    @contextmanager
    def _locked(self) -> Iterator[tuple[_State, int]]:
        """Lend the state with the time of now, then keep the changed state.

        Without the file this process goes by its own grants: as careful, while a full disk stops
        nothing. A damaged file is replaced.
        """
        with self._lock, self._open() as descriptor:
            if descriptor is not None and self._is_shared:
                self._read(descriptor)
            # Only now: what another process did while we waited for the file is not "later".
            now = round(self._steady_s() * NS_PER_S)
            _put_back(self._state, now)
            yield self._state, now
            if descriptor is not None:
                self._write(descriptor)

    @contextmanager
    def _open(self) -> Iterator[int | None]:
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            self._warn(error)
            yield None
            return
        try:
            # Held for microseconds, and let go of by the system where its holder dies.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def _read(self, descriptor: int) -> None:
        data = b""
        try:
            data = os.pread(descriptor, FILE_BYTES_MAX, 0)
            self._state = _decoder.decode(data)
        except (OSError, *UNDECODABLE) as error:
            if data or self._state.grants or self._state.blocks:  # else it is new
                self._warn(error)

    def _write(self, descriptor: int) -> None:
        data = msgspec.json.encode(self._state)
        try:
            os.ftruncate(descriptor, os.pwrite(descriptor, data, 0))
            self._is_shared = True
        except OSError as error:
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        if self._is_shared:
            where = {"path": str(self._path), "reason": str(error)}
            _log.warning(
                "the file of limits is unusable; this process counts by itself", extra=where
            )
        self._is_shared = False


def find_points(limit: Limit, share: float) -> int:
    """Return how many points of a limit are ours."""
    return math.floor(limit.points * share)


def parse_retry_after(text: str, ts: int) -> float | None:
    """Return the seconds that a Retry-After header received at `ts` asks for, if any.

    It holds seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    if text.isascii() and text.isdigit():
        return min(float(text), BLOCK_S_MAX)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    wait_s = date.replace(tzinfo=date.tzinfo or UTC).timestamp() - ts / NS_PER_S
    return min(max(wait_s, 0.0), BLOCK_S_MAX)


def _block_ns(state: _State, name: str, now: int) -> int:
    since, length = state.blocks.get(name, (0, 0))
    return max(since + length - now, 0)


def _ts_free(grants: list[_Grant], excess: int) -> int:
    """Return the time of the grant whose expiry frees as many points, with all before it."""
    for ts, points in grants:
        excess -= points
        if excess <= 0:
            return ts
    raise AssertionError


def _add(grants: list[_Grant], now: int, points: int, *, slot_ns: int) -> list[_Grant]:
    if grants and now - grants[-1][0] < slot_ns:
        ts, earlier = grants.pop()
        return [*grants, (ts, earlier + points)]
    return [*grants, (now, points)]


def _put_back(state: _State, now: int) -> None:
    """Cap all times at now, and all waits at their maximum, whatever the clock or the file says."""
    for name, grants in state.grants.items():
        state.grants[name] = [(min(ts, now), points) for ts, points in grants]
    for name, (since, length) in state.blocks.items():
        state.blocks[name] = min(since, now), min(length, int(BLOCK_S_MAX * NS_PER_S))
