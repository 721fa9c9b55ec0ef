from collections.abc import Callable, Iterator
from threading import Event

import pytest

from services.operator.probe.record import ProbeRecord
from services.operator.probe.session import BLOCK_S_MAX, LOOK_S, ProbePace, ProbeSession
from services.operator.probe.steps import Close, Get, Open, Send, Step, Wait
from shared.exchange import Cost, Limit

POINT = Cost("points")
LIMITS = {"points": Limit(points=100, interval_s=60.0), "few": Limit(points=3, interval_s=60.0)}


class World:
    """A world in which time passes when somebody waits."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.done: list[str] = []

    def open(self, door: str) -> None:
        self._note(f"open {door}")

    def close(self, door: str) -> None:
        self._note(f"close {door}")

    def send(self, door: str, text: str) -> None:
        self._note(f"send {door} {text}")

    def get(self, path: str) -> None:
        self._note(f"get {path}")

    def wait(self, seconds: float) -> Iterator[ProbeRecord]:
        self.now_s += seconds
        yield ProbeRecord(ts=round(self.now_s), door="a", kind="text", text=f"{seconds:g}")

    def _note(self, what: str) -> None:
        self.done.append(f"{self.now_s:g} {what}")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def stop() -> Event:
    return Event()


Play = Callable[..., bool]


@pytest.fixture
def play(world: World, stop: Event) -> Play:
    def start(
        *steps: Step,
        spend: Callable[[Cost], float] = lambda _cost: 0.0,
        is_banned: Callable[[ProbeRecord], bool] = lambda _record: False,
        take: Callable[[ProbeRecord], None] = lambda _record: None,
    ) -> bool:
        pace = ProbePace(LIMITS, spend, steady_s=lambda: world.now_s)
        return ProbeSession(world, pace, take, is_banned=is_banned, stop=stop).play(iter(steps))

    return start


def test_steps_are_done_in_their_order(world: World, play: Play) -> None:
    assert play(Open("a"), Send("a", "x"), Wait(2.0), Get("/y"), Close("a"))
    assert ["0 open a", "0 send a x", "2 get /y", "2 close a"] == world.done


def test_a_wait_is_as_long_as_it_says_and_everything_is_taken(play: Play) -> None:
    taken: list[ProbeRecord] = []
    assert play(Wait(2 * LOOK_S + 0.25), take=taken.append)
    assert ["0.5", "0.5", "0.25"] == [record.text for record in taken]


def test_a_script_sees_what_came_of_a_step_before_the_next(world: World, stop: Event) -> None:
    taken: list[str] = []

    def script() -> Iterator[Step]:
        yield Get("/x")
        assert ["0"] == taken
        yield Get(f"/{len(taken)}")

    pace = ProbePace(LIMITS, lambda _cost: 0.0, steady_s=lambda: world.now_s)
    session = ProbeSession(
        world, pace, lambda record: taken.append(record.text), is_banned=lambda _: False, stop=stop
    )
    assert session.play(script())
    assert ["0 get /x", "0 get /1"] == world.done


def test_three_of_ten_points_of_a_minute_are_spent(world: World, play: Play) -> None:
    assert play(*[Get("/x", POINT)] * 31)
    begin = [float(line.split()[0]) for line in world.done]
    assert [0.0] * 30 == begin[:30]
    assert 60.0 <= begin[30] < 61.0


def test_of_a_small_limit_all_is_spent(world: World, play: Play) -> None:
    assert play(*[Open("x", Cost("few"))] * 4)
    assert ["0", "0", "0"] == [line.split()[0] for line in world.done[:3]]
    assert 60.0 <= float(world.done[3].split()[0]) < 61.0


def test_what_others_have_spent_is_waited_for(world: World, play: Play) -> None:
    assert play(Get("/x", POINT), spend=lambda _cost: max(5.0 - world.now_s, 0.0))
    assert ["5 get /x"] == world.done


def test_a_ban_is_not_waited_for(world: World, play: Play) -> None:
    assert not play(Get("/x", POINT), spend=lambda _cost: BLOCK_S_MAX + 1.0)
    assert [] == world.done


def test_a_word_to_stop_ends_the_script(world: World, play: Play) -> None:
    assert not play(Open("a"), Wait(1.0), Get("/x"), is_banned=lambda record: record.text != "0")
    assert ["0 open a"] == world.done


@pytest.mark.parametrize("steps", [[Wait(1000.0), Get("/x")], [Get("/x", POINT)]])
def test_a_person_may_stop_it_at_any_time(
    world: World, play: Play, stop: Event, steps: list[Step]
) -> None:
    def take(_record: ProbeRecord) -> None:
        stop.set()

    assert not play(*steps, take=take, spend=lambda _cost: 1.0)
    assert ([], True) == (world.done, world.now_s <= 1.0)
