"""The order of moves and of their undoing, by moves of programs that are not the tape's."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from typing_extensions import override

from services.operator.box.moving import Mover
from services.operator.supervision.supervisor import Supervisor, SupervisorError
from shared.process.settings import load


class Fake(Supervisor):
    """A supervisord that says in which order it restarts what, as what its link says."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))
        self.links: dict[str, str] = {}
        self.restarted: list[tuple[str, str]] = []
        self.broken: set[tuple[str, str]] = set()

    @override
    def restart(self, name: str) -> None:
        now = (name, self.links[name])
        self.restarted.append(now)
        if now in self.broken:
            raise SupervisorError(f"{name} does not start as {now[1]}")


class Step:
    """A move of one program, by a link of its own."""

    is_plain = False
    is_reconfigured = False
    environment: Mapping[str, str] = {}

    def __init__(self, fake: Fake, name: str, old: str = "old", new: str = "new") -> None:
        self._fake = fake
        self.name, self.old, self.new = name, old, new
        fake.links.setdefault(name, old)

    @property
    def is_back(self) -> bool:
        return self._fake.links[self.name] == self.old

    def forth(self) -> None:
        self._fake.links[self.name] = self.new

    def back(self) -> None:
        self._fake.links[self.name] = self.old

    def reversed(self) -> "Step":
        return Step(self._fake, self.name, self.new, self.old)


@pytest.fixture
def fake() -> Fake:
    return Fake()


def move(fake: Fake, tmp_path: Path) -> list[str]:
    """Move two programs; return what else was done."""
    said: list[str] = []
    mover = Mover(load({}, tmp_path, exchanges={}), fake)
    steps = [Step(fake, "alpha"), Step(fake, "beta")]
    try:
        mover.run(steps, finish=lambda: said.append("finish"), undo=lambda: said.append("undo"))
    except SupervisorError:
        said.append("failed")
    return said


def test_each_is_moved_in_its_order_and_then_it_is_finished(fake: Fake, tmp_path: Path) -> None:
    assert ["finish"] == move(fake, tmp_path)
    assert [("alpha", "new"), ("beta", "new")] == fake.restarted


def test_a_fault_takes_back_what_was_moved_last_first(fake: Fake, tmp_path: Path) -> None:
    fake.broken = {("beta", "new")}
    assert ["undo", "failed"] == move(fake, tmp_path)
    assert [("alpha", "new"), ("beta", "new"), ("beta", "old"), ("alpha", "old")] == (
        fake.restarted
    )
    assert {"alpha": "old", "beta": "old"} == fake.links


def test_what_cannot_be_taken_back_keeps_nothing_else_from_it(fake: Fake, tmp_path: Path) -> None:
    fake.broken = {("beta", "new"), ("beta", "old")}
    assert ["undo", "failed"] == move(fake, tmp_path)
    assert ("alpha", "old") == fake.restarted[-1]
    assert {"alpha": "old", "beta": "old"} == fake.links
