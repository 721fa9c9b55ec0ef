"""What a configuration must be, and which links move; feeds are handed over in tests/deploy."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from typing_extensions import override

from booktape.errors import ConfigError
from services.operator.box.configurations import Configurations
from services.operator.box.configure import configure
from services.operator.supervision.supervisor import (
    Changes,
    Program,
    Supervisor,
    SupervisorError,
)
from shared.process.settings import Settings, load

OLD, NEW = 64 * "a", 64 * "b"


class Fake(Supervisor):
    """A supervisord of which nothing runs."""

    is_broken = False

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))
        self.restarted: list[str] = []

    @override
    def find_pid(self) -> int | None:
        return None

    @override
    def programs(self) -> dict[str, Program]:
        names = ["dashboard"]  # nothing of the tape's: a plain restart will do
        return {name: Program(name, "RUNNING", 1, 0, "", "") for name in names}

    @override
    def restart(self, name: str) -> None:
        self.restarted.append(name)
        if self.is_broken and len(self.restarted) == 1:
            raise SupervisorError(f"{name} does not start")

    @override
    def reread(self) -> Changes:
        raise AssertionError


@pytest.fixture
def configurations(tmp_path: Path) -> Configurations:
    folder = tmp_path / "configurations"
    folder.mkdir()
    (folder / f"{OLD}.toml").touch()
    (folder / f"{NEW}.toml").write_text("[state]\ndisk_free_min_bytes = 7\n")
    configurations = Configurations(tmp_path)
    for link in (configurations.live, configurations.current):
        configurations.point(link, OLD)
    return configurations


def run(configurations: Configurations, fake: Fake, digest: str = NEW) -> None:
    environment = {
        "BOOKTAPE_CONFIG": str(configurations.live),
        "BOOKTAPE__STATE__PATH": str(configurations.live.parent / "var"),
    }

    def load_without(variables: Mapping[str, str]) -> Settings:
        return load(variables, exchanges={})

    configure(configurations, digest, environment, load_without, lambda _: fake)


def find_digests(configurations: Configurations) -> list[str]:
    return [configurations.digest(link) for link in (configurations.live, configurations.current)]


def test_what_a_start_and_a_boot_read_is_the_new_one(configurations: Configurations) -> None:
    fake = Fake()
    run(configurations, fake)
    assert ["dashboard"] == fake.restarted
    assert [NEW, NEW] == find_digests(configurations)


def test_one_that_changes_nothing_moves_no_program(configurations: Configurations) -> None:
    (configurations.live.parent / f"{NEW}.toml").write_text("# the same\n")
    fake = Fake()
    run(configurations, fake)
    assert [] == fake.restarted
    assert [NEW, NEW] == find_digests(configurations)


def test_at_a_fault_all_of_it_goes_back(configurations: Configurations) -> None:
    fake = Fake()
    fake.is_broken = True
    with pytest.raises(SupervisorError):
        run(configurations, fake)
    assert ["dashboard", "dashboard"] == fake.restarted
    assert [OLD, OLD] == find_digests(configurations)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[writter]\nflush_rows = 7\n", "writter.flush_rows"),
        ("[state]\npath = 'elsewhere'\n", "is the box's own"),
        ("[writer\n", "is not TOML"),
    ],
)
def test_one_with_a_fault_is_refused_before_anything_is_touched(
    configurations: Configurations, text: str, fault: str
) -> None:
    (configurations.live.parent / f"{NEW}.toml").write_text(text)
    fake = Fake()
    with pytest.raises(ConfigError, match=fault):
        run(configurations, fake)
    assert [] == fake.restarted
    assert [OLD, OLD] == find_digests(configurations)
