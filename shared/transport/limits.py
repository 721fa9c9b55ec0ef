"""Keeps an exchange's limits for one address, shared by all our processes on this box.

In any stretch of time as long as a limit's interval we grant at most a share of its points; the
rest is for other users of this address.
A grant is (time, points). Grants within one slot, a `SLOTS`th of the interval, share the time of
the first. We forget them one interval after their slot's end, so that each grant counts for an
interval or a little longer.

The clock is the steady one, which all processes share and nobody sets.
If it jumps back (at a reboot), earlier grants and blocks count as if made now: a grant counts for
one interval more at the most, and a ban begins anew.
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

SHARE: Final = 0.8  # unless configured otherwise
SLOTS: Final = 40
BLOCK_S_MAX: Final = 86_400.0  # we ask again after a day, however long the ban
FILE_BYTES_MAX: Final = 65_536  # each limit takes about 1 kB
NS_PER_S: Final = 1_000_000_000

_ALL = ""  # the name under which a block of all limits is kept
_log = log.get(__name__)

_Count = Annotated[int, Meta(ge=0)]
_Grant = tuple[_Count, _Count]  # time and points


class _State(Struct):
    grants: dict[str, list[_Grant]] = {}  # of each limit, oldest first
    blocks: dict[str, tuple[_Count, _Count]] = {}  # of each limit: begin and length


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
        # One point has no share: declare such a limit as ten points in ten times the interval.
        assert all(points >= 1 for points in self._points_max.values())
        self._state = _State()
        self._is_shared = True
        self._lock = threading.Lock()  # keeps threads apart even without the file
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
        """Spend the points as soon as the limit allows.

        Raise RateLimited if that takes longer than `timeout_s`, ConnectionLost if `stop` is first.
        """
        while wait_s := self.spend(cost):
            if wait_s > timeout_s:
                raise RateLimited(f"our share of {cost.limit} is spent", retry_after_s=wait_s)
            if stop.wait(wait_s):
                raise ConnectionLost("stopped")
            timeout_s -= wait_s

    def block(self, wait_s: float, limit: str | None = None) -> None:
        """Grant nothing from this limit, or any, for `wait_s`; a block never shortens another."""
        name = _ALL if limit is None else limit
        assert name == _ALL or name in self._points_max
        block_ns = int(min(max(wait_s, 0.0), BLOCK_S_MAX) * NS_PER_S)
        with self._locked() as (state, now):
            if block_ns > _block_ns(state, name, now):
                state.blocks[name] = now, block_ns

    def blocked_s(self, *limits: str) -> float:
        """Return the seconds until none of these limits is blocked any more; 0.0 if none is."""
        with self._locked() as (state, now):
            return max(_block_ns(state, name, now) for name in (_ALL, *limits)) / NS_PER_S

    @contextmanager
    def _locked(self) -> Iterator[tuple[_State, int]]:
        """Lend the state and the current time, then save the changed state.

        Without the file this process counts only its own grants, so that a full disk stops nothing.
        It replaces a damaged file.
        """
        with self._lock, self._open() as descriptor:
            if descriptor is not None and self._is_shared:
                self._read(descriptor)
            # Read the clock under the lock: grants made while we waited must not lie in the future.
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
            # Held for microseconds; if its holder dies, the system releases it.
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
            if data or self._state.grants or self._state.blocks:  # else the file is new
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
                "cannot use the file of limits; this process counts by itself", extra=where
            )
        self._is_shared = False


def find_points(limit: Limit, share: float) -> int:
    """Return how many points of a limit are ours."""
    return math.floor(limit.points * share)


def parse_retry_after(text: str, ts: int) -> float | None:
    """Return the wait of a Retry-After header received at `ts`, in seconds; `None` if it has none.

    The header holds seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
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
    """Return the time of the grant with which, and with all before it, `excess` points expire."""
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
    """Cap all times at now and all waits at their maximum, for a clock or file that is wrong."""
    for name, grants in state.grants.items():
        state.grants[name] = [(min(ts, now), points) for ts, points in grants]
    for name, (since, length) in state.blocks.items():
        state.blocks[name] = min(since, now), min(length, int(BLOCK_S_MAX * NS_PER_S))
