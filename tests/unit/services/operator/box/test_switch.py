"""The order of the steps and their undoing; what a feed and the writer do is tried with real ones.

See tests/deploy/test_switch.py.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from typing_extensions import override

from services.operator.box.releases import READY, Box, SwitchError
from services.operator.box.switch import Switch
from services.operator.supervision.supervisor import (
    Changes,
    Program,
    Supervisor,
    SupervisorError,
)
from shared.process.settings import Settings, load

OLD, NEW = 40 * "a", 40 * "b"
NAMES = ["alpha", "beta"]  # neither a feed nor the writer: a plain restart will do


class Fake(Supervisor):
    """A supervisord of which nothing runs."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))
        self.restarted: list[str] = []
        self.refuses: Callable[[str], bool] = lambda _: False

    @override
    def find_pid(self) -> int | None:
        return None

    @override
    def programs(self) -> dict[str, Program]:
        return {name: Program(name, "RUNNING", 1, 0, "", "") for name in NAMES}

    @override
    def restart(self, name: str) -> None:
        self.restarted.append(name)
        if self.refuses(name):
            raise SupervisorError(f"{name} does not start")

    @override
    def reread(self) -> Changes:
        return Changes([], [], [])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({}, tmp_path, exchanges={})


@pytest.fixture
def box(tmp_path: Path, settings: Settings) -> Box:
    box = Box(tmp_path / "opt")
    for release in (OLD, NEW):
        (box.root / "releases" / release).mkdir(parents=True)
        (box.root / "releases" / release / READY).touch()
    for link in (box.current, *map(box.program, NAMES)):
        box.point(link, OLD)
    box.write_conf(settings)
    return box


def find_releases(box: Box) -> list[str]:
    return [box.release(link) for link in (box.current, *map(box.program, NAMES))]


def test_every_program_moves_and_current_after_them(box: Box, settings: Settings) -> None:
    fake = Fake()
    Switch(box, settings, {}, fake).run(NEW, is_rollback=False)
    assert NAMES == fake.restarted
    assert 3 * [NEW] == find_releases(box)


def test_what_runs_the_release_already_is_left_alone(box: Box, settings: Settings) -> None:
    fake = Fake()
    box.point(box.program("alpha"), NEW)
    Switch(box, settings, {}, fake).run(NEW, is_rollback=False)
    assert ["beta"] == fake.restarted


def test_a_fault_puts_back_what_was_done_last_first(box: Box, settings: Settings) -> None:
    fake = Fake()
    fake.refuses = lambda name: name == "beta" and len(fake.restarted) == 2
    with pytest.raises(SupervisorError):
        Switch(box, settings, {}, fake).run(NEW, is_rollback=False)
    assert [*NAMES, "beta", "alpha"] == fake.restarted
    assert 3 * [OLD] == find_releases(box)


def test_what_cannot_be_put_back_starts_as_the_old_release_next(
    box: Box, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = Fake()
    fake.refuses = lambda name: name == "beta"
    with pytest.raises(SupervisorError):
        Switch(box, settings, {}, fake).run(NEW, is_rollback=False)
    assert 3 * [OLD] == find_releases(box)
    assert f"beta is not back: beta does not start; its next start runs {OLD}" in (
        capsys.readouterr().out
    )


def test_a_release_that_is_not_there_is_refused(box: Box, settings: Settings) -> None:
    fake = Fake()
    with pytest.raises(SwitchError, match="is not on this box"):
        Switch(box, settings, {}, fake).run(40 * "c", is_rollback=False)
    assert [] == fake.restarted
