import fcntl
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from shared.errors import ConnectionLost, RateLimited
from shared.exchange import Cost, Limit
from shared.transport.limits import BLOCK_S_MAX, NS_PER_S, Limits, parse_retry_after
from tests.support.paths import ROOT

WEIGHT = Cost("weight")
LIMITS = {
    "weight": Limit(points=100, interval_s=60.0),
    "connect": Limit(points=15, interval_s=60.0),
}
START = 1_000_000 * NS_PER_S
TS = 1_795_356_000 * NS_PER_S  # 2026-11-22 14:00:00 UTC


class Clock:
    def __init__(self) -> None:
        self.ns = START

    def __call__(self) -> float:
        return self.ns / NS_PER_S

    def advance(self, seconds: float) -> None:
        self.ns += round(seconds * NS_PER_S)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "limits" / "bitvavo.json"


@pytest.fixture
def limits(path: Path, clock: Clock) -> Limits:
    return Limits(path, LIMITS, steady_s=clock)


def use_up(limits: Limits, cost: Cost = WEIGHT) -> int:
    granted = 0
    while not limits.spend(cost):
        granted += 1
    return granted


def test_four_fifths_of_the_limit_are_granted_at_once(limits: Limits) -> None:
    assert 80 == use_up(limits)


def test_the_wait_that_is_named_is_just_long_enough(limits: Limits, clock: Clock) -> None:
    use_up(limits)
    wait_s = limits.spend(WEIGHT)
    assert 60.0 < wait_s < 62.0
    clock.advance(wait_s - 0.001)
    assert 0.0 < limits.spend(WEIGHT)
    clock.advance(0.001)
    assert 0.0 == limits.spend(WEIGHT)


def test_a_dear_request_waits_until_enough_is_free_for_it(limits: Limits, clock: Clock) -> None:
    limits.spend(Cost("weight", 2))
    clock.advance(30.0)
    use_up(limits)
    cheap_s, dear_s = limits.spend(Cost("weight", 2)), limits.spend(Cost("weight", 3))
    assert 30.0 < cheap_s < 32.0
    assert 60.0 < dear_s < 62.0


def test_what_is_refused_costs_nothing(limits: Limits) -> None:
    limits.spend(Cost("weight", 79))
    assert 0.0 < limits.spend(Cost("weight", 5))
    assert 0.0 == limits.spend(WEIGHT)


def test_each_limit_has_points_of_its_own(limits: Limits) -> None:
    use_up(limits)
    assert 12 == use_up(limits, Cost("connect"))


def test_an_even_pace_gets_nearly_the_whole_share(limits: Limits, clock: Clock) -> None:
    granted = 0
    for _ in range(6000):
        clock.advance(0.1)
        granted += not limits.spend(WEIGHT)
    assert 780 <= granted <= 880  # of 80 a minute in ten minutes, and the burst at the start


def test_two_processes_share_one_limit(limits: Limits, path: Path) -> None:
    assert 0.0 == limits.spend(Cost("weight", 30))
    script = (
        "import sys; from pathlib import Path; from shared.exchange import Cost, Limit\n"
        "from shared.transport.limits import Limits\n"
        "limits = Limits(Path(sys.argv[1]), {'weight': Limit(points=100, interval_s=60.0)},"
        f" steady_s=lambda: {START // NS_PER_S})\n"
        "print(sum(not limits.spend(Cost('weight')) for _ in range(100)))"
    )
    run = [sys.executable, "-c", script, str(path)]
    first = subprocess.run(run, capture_output=True, check=True, text=True, cwd=ROOT)
    assert 50 == int(first.stdout)
    assert 0.0 < limits.spend(WEIGHT)


@contextmanager
def held_by_another_process(path: Path, _limits: Limits) -> Iterator[None]:
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def held_by_another_thread(_path: Path, limits: Limits) -> Iterator[None]:
    with limits._lock:
        yield


@pytest.mark.parametrize("held", [held_by_another_process, held_by_another_thread])
def test_one_at_a_time_takes(
    limits: Limits,
    path: Path,
    held: Callable[[Path, Limits], AbstractContextManager[None]],
) -> None:
    limits.spend(Cost("weight", 79))
    granted: list[int] = []
    thread = Thread(target=lambda: granted.append(use_up(limits)))
    with held(path, limits):
        thread.start()
        thread.join(0.05)
        assert [] == granted
    thread.join()
    assert [1] == granted


def test_a_block_holds_for_its_time_and_for_all_processes(
    limits: Limits, path: Path, clock: Clock
) -> None:
    limits.block(900.0)
    other = Limits(path, LIMITS, steady_s=clock)
    assert [900.0, 900.0] == [other.spend(WEIGHT), other.spend(Cost("connect"))]
    assert [900.0, 900.0] == [other.blocked_s(), other.blocked_s("connect")]
    clock.advance(899.0)
    assert 1.0 == other.spend(WEIGHT)
    clock.advance(1.0)
    assert 0.0 == other.spend(WEIGHT)


def test_a_block_of_one_limit_leaves_the_others_alone(limits: Limits) -> None:
    limits.block(60.0, "weight")
    assert [0.0, 60.0] == [limits.blocked_s(), limits.blocked_s("weight")]
    assert 60.0 == limits.blocked_s("connect", "weight")
    assert 60.0 == limits.spend(WEIGHT)
    assert 0.0 == limits.spend(Cost("connect"))


def test_a_block_never_shortens_another(limits: Limits) -> None:
    limits.block(900.0)
    limits.block(60.0)
    assert 900.0 == limits.blocked_s()


@pytest.mark.parametrize(("asked", "held"), [(-5.0, 0.0), (float("inf"), BLOCK_S_MAX)])
def test_a_block_is_bounded(limits: Limits, asked: float, held: float) -> None:
    limits.block(asked)
    assert held == limits.blocked_s()


def test_a_clock_that_steps_back_frees_nothing(limits: Limits, clock: Clock) -> None:
    use_up(limits)
    limits.block(10.0, "connect")
    clock.advance(-3600.0)
    assert 0.0 < limits.spend(WEIGHT)
    assert 10.0 == limits.blocked_s("connect")


def test_a_clock_that_steps_back_freezes_nothing(limits: Limits, clock: Clock) -> None:
    use_up(limits)
    limits.block(900.0, "connect")
    clock.advance(-500_000.0)
    assert limits.spend(WEIGHT) < 62.0
    clock.advance(62.0)
    assert 0.0 == limits.spend(WEIGHT)
    clock.advance(900.0)
    assert 0.0 == limits.spend(Cost("connect"))


@pytest.mark.parametrize(
    "content",
    [
        b'{"grants":{"\xff":[]}}',
        b'{"x":' * 1000,
        b"{",
        b"[]",
        b'{"grants":{"weight":[[1,-5]]}}',
        b"\xff" * 100_000,
        b'{"blocks":7}',
    ],
)
def test_a_damaged_file_is_replaced_and_what_we_know_is_kept(
    limits: Limits, path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    limits.spend(Cost("weight", 79))
    path.write_bytes(content)
    assert [0.0, False] == [limits.spend(WEIGHT), limits.spend(WEIGHT) == 0.0]
    assert [logging.WARNING] == [record.levelno for record in caplog.records]
    assert 80 == sum(points for _, points in json.loads(path.read_bytes())["grants"]["weight"])


def test_a_file_that_somebody_removed_comes_back(limits: Limits, path: Path) -> None:
    limits.spend(Cost("weight", 79))
    path.unlink()
    assert [0.0, False] == [limits.spend(WEIGHT), limits.spend(WEIGHT) == 0.0]
    assert path.exists()


def test_a_new_file_is_no_reason_to_warn(limits: Limits, caplog: pytest.LogCaptureFixture) -> None:
    assert 0.0 == limits.spend(WEIGHT)
    assert [] == caplog.records


def test_without_a_file_one_process_keeps_to_the_limit_and_warns_once(
    limits: Limits, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.mkdir()  # nobody can open it for writing, not even root
    assert 80 == use_up(limits)
    assert 1 == len(caplog.records)


def test_a_disk_that_takes_nothing_does_not_make_the_limit_forget(
    limits: Limits,
    path: Path,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    limits.spend(WEIGHT)

    def refuse(_descriptor: int, _data: bytes, _offset: int) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("shared.transport.limits.os.pwrite", refuse)
        assert 79 == use_up(limits)
    assert 1 == len(caplog.records)
    limits.spend(WEIGHT)
    assert 80 == sum(points for _, points in json.loads(path.read_bytes())["grants"]["weight"])
    Limits(path, LIMITS, steady_s=clock).block(900.0)
    assert 900.0 == limits.blocked_s()  # shared again


class Waits(Event):
    """An event whose waits pass at once, on the clock of the test."""

    def __init__(self, clock: Clock, meanwhile: Callable[[], object] = int) -> None:
        super().__init__()
        self.waited_s: list[float] = []
        self._clock = clock
        self._meanwhile = meanwhile

    @override
    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waited_s.append(timeout)
        self._clock.advance(timeout)
        self._meanwhile()
        return self.is_set()


def test_acquire_waits_no_longer_than_it_must(limits: Limits, clock: Clock) -> None:
    use_up(limits)
    expected_s = limits.spend(WEIGHT)
    stop = Waits(clock)
    limits.acquire(WEIGHT, timeout_s=90.0, stop=stop)
    assert [expected_s] == stop.waited_s


def test_acquire_does_not_begin_to_wait_for_what_comes_too_late(
    limits: Limits, clock: Clock
) -> None:
    limits.block(900.0)
    stop = Waits(clock)
    with pytest.raises(RateLimited) as raised:
        limits.acquire(WEIGHT, timeout_s=60.0, stop=stop)
    assert 900.0 == raised.value.retry_after_s
    assert [] == stop.waited_s


def test_acquire_gives_up_where_others_are_always_faster(limits: Limits, clock: Clock) -> None:
    use_up(limits)
    stop = Waits(clock, meanwhile=lambda: use_up(limits))
    with pytest.raises(RateLimited):
        limits.acquire(WEIGHT, timeout_s=90.0, stop=stop)
    assert 1 == len(stop.waited_s)


def test_acquire_ends_when_it_is_stopped(limits: Limits, clock: Clock) -> None:
    use_up(limits)
    stop = Waits(clock)
    stop.set()
    with pytest.raises(ConnectionLost, match="stopped"):
        limits.acquire(WEIGHT, timeout_s=90.0, stop=stop)


@pytest.mark.parametrize(("share", "granted"), [(0.8, 80), (0.25, 25), (1.0, 100)])
def test_no_more_than_our_share_is_granted(
    path: Path, clock: Clock, share: float, granted: int
) -> None:
    assert granted == use_up(Limits(path, LIMITS, steady_s=clock, share=share))


def test_a_limit_without_a_share_is_a_fault_of_ours(path: Path, clock: Clock) -> None:
    with pytest.raises(AssertionError):
        Limits(path, {"weight": Limit(points=1, interval_s=0.1)}, steady_s=clock)


steps = st.tuples(
    st.floats(0, 30) | st.just(0.0) | st.floats(59, 63),  # seconds that pass
    st.floats(0, 20) | st.just(0.0),  # seconds that the clock then steps back
    st.integers(1, 8),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(steps, max_size=60))
def test_no_interval_ever_holds_more_than_the_share(
    tmp_path_factory: pytest.TempPathFactory, asked: list[tuple[float, float, int]]
) -> None:
    clock = Clock()
    path = tmp_path_factory.mktemp("limits") / "one.json"
    limits = Limits(path, {"weight": Limit(points=10, interval_s=60.0)}, steady_s=clock)
    real_s = 0.0
    granted: list[tuple[float, int]] = []
    for passed_s, back_s, points in asked:
        real_s += passed_s
        clock.advance(passed_s - back_s)
        wait_s = limits.spend(Cost("weight", points))
        assert wait_s <= 60.0 + 60.0 / 40
        if not wait_s:
            granted.append((real_s, points))
        window = [points for at_s, points in granted if real_s - at_s <= 60.0 - 1e-6]
        assert sum(window) <= 8


ns = st.integers(0, 2**63)
states = st.fixed_dictionaries(
    {
        "grants": st.dictionaries(st.sampled_from(["weight", "old"]), st.lists(st.tuples(ns, ns))),
        "blocks": st.dictionaries(st.sampled_from(["", "weight"]), st.tuples(ns, ns)),
    }
).map(lambda state: json.dumps(state).encode())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(states | st.binary())
def test_no_file_stops_us_for_longer_than_a_block(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    clock = Clock()
    path = tmp_path_factory.mktemp("limits") / "one.json"
    limits = Limits(path, LIMITS, steady_s=clock)
    path.write_bytes(content)
    assert limits.spend(WEIGHT) <= BLOCK_S_MAX
    clock.advance(BLOCK_S_MAX)
    limits.spend(WEIGHT)
    clock.advance(62.0)
    assert 0.0 == limits.spend(WEIGHT)


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("30", 30.0),
        ("0", 0.0),
        ("9" * 5000, BLOCK_S_MAX),
        ("Sun, 22 Nov 2026 14:02:00 GMT", 120.0),
        ("Sunday, 22-Nov-26 14:02:00 GMT", 120.0),
        ("Sun, 22 Nov 2026 13:00:00 GMT", 0.0),
        ("Sun, 22 Nov 2099 13:00:00 GMT", BLOCK_S_MAX),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("\u0663", None),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
        ("+" + 20 * "9", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, wait_s: float | None) -> None:
    assert wait_s == parse_retry_after(text, TS)


def test_a_date_without_a_zone_is_utc_wherever_we_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        wait_s = parse_retry_after("Sun, 22 Nov 2026 14:02:00", TS)
    time.tzset()
    assert 120.0 == wait_s


@given(st.text() | st.from_regex(r"\A\w{3}, \d+ \w{3} \d+ \d+:\d+:\d+ [A-Z]{3}\Z"))
def test_no_retry_after_is_fatal(text: str) -> None:
    wait_s = parse_retry_after(text, TS)
    assert wait_s is None or 0.0 <= wait_s <= BLOCK_S_MAX
