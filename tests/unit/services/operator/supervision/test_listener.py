"""What supervisord said last."""

from pathlib import Path
from threading import Event, Thread

from typing_extensions import override

from services.operator.supervision import listener as module
from services.operator.supervision.listener import OLD_S, Listener
from services.operator.supervision.supervisor import Program, Supervisor, SupervisorError

WAIT_S = 30.0


class Door(Supervisor):
    """A supervisord that answers, is gone, goes in between, or hangs."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))
        self.pid: int | None = 7
        self.goes = False
        self.asked, self.may_answer = Event(), Event()
        self.may_answer.set()

    @override
    def find_pid(self) -> int | None:
        self.asked.set()
        self.may_answer.wait(WAIT_S)
        return self.pid

    @override
    def programs(self) -> dict[str, Program]:
        if self.goes:
            raise SupervisorError("gone")
        return {"a": Program("a", "RUNNING", 5, 0, "", "")}


class World:
    """A listener at that door, and its clock."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.door = Door()
        self.listener = Listener(Path("nowhere"), steady_s=lambda: self.now_s)
        self.listener._door = self.door


def test_before_an_answer_none_runs() -> None:
    world = World()
    assert (None, {}) == (world.listener.find_pid(), world.listener.programs())


def test_the_last_answer_counts_until_it_is_old() -> None:
    world = World()
    world.listener.step()
    assert (7, ["a"]) == (world.listener.find_pid(), list(world.listener.programs()))
    world.door.pid = None
    world.now_s += OLD_S
    world.listener.step()
    assert 7 == world.listener.find_pid()
    world.now_s += 0.1
    assert (None, {}) == (world.listener.find_pid(), world.listener.programs())


def test_one_that_goes_between_two_questions_has_not_answered() -> None:
    world = World()
    world.door.goes = True
    world.listener.step()
    assert world.listener.find_pid() is None


def test_one_that_hangs_holds_up_nobody_who_asks_us() -> None:
    world = World()
    stop = Event()
    world.door.may_answer.clear()
    thread = Thread(target=world.listener.run, args=(stop,))
    thread.start()
    assert world.door.asked.wait(WAIT_S)
    assert world.listener.find_pid() is None
    stop.set()
    world.door.may_answer.set()
    thread.join(WAIT_S)
    assert not thread.is_alive()
    assert module.ASK_S < OLD_S
