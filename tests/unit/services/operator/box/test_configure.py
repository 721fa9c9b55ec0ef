"""What a configuration must be, and which links move; feeds are handed over in tests/deploy."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from typing_extensions import override

from booktape.errors import ConfigError
from services.__main__ import find_exchange_names
from services.operator.box.configurations import Configurations
from services.operator.box.configure import configure
from services.operator.box.releases import READY, Box
from services.operator.supervision.supervisor import (
    Changes,
    Program,
    Supervisor,
    SupervisorError,
)
from shared.process.settings import Settings, load

OLD, NEW, RELEASE = 64 * "a", 64 * "b", 40 * "c"
SHIPPED = (
    "buffer_writer",
    "dashboard",
    "certifier",
    *(f"ingest_{name}" for name in find_exchange_names()),
)


class Fake(Supervisor):
    """A supervisord of which nothing runs."""

    is_broken = False

    def __init__(self, conf: Path) -> None:
        super().__init__(Path("nowhere"))
        self.restarted: list[str] = []
        self.rereads = 0
        self.conf = conf
        self.names: set[str] = set(SHIPPED)

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
        """Return how the file differs from what it was at first."""
        self.rereads += 1
        names = set(re.findall(r"^\[program:(\w+)\]", self.conf.read_text(), re.MULTILINE))
        return Changes(sorted(names - self.names), [], sorted(self.names - names))

    @override
    def add(self, name: str) -> None:
        assert (self.conf.parent / name).readlink().name == RELEASE
        self.names.add(name)

    @override
    def remove(self, name: str) -> None:
        self.names.remove(name)


@pytest.fixture
def configurations(tmp_path: Path) -> Configurations:
    folder = tmp_path / "configurations"
    folder.mkdir()
    (folder / f"{OLD}.toml").touch()
    (folder / f"{NEW}.toml").write_text("[state]\ndisk_free_min_bytes = 7\n")
    configurations = Configurations(tmp_path)
    for link in (configurations.live, configurations.current):
        configurations.point(link, OLD)
    box_of(tmp_path)
    return configurations


def box_of(root: Path) -> Box:
    """Make a box with one release and the programs that it ships."""
    release = root / "releases" / RELEASE
    release.mkdir(parents=True)
    (release / READY).touch()
    box = Box(root)
    box.point(box.current, RELEASE)
    box.write_conf(load({"BOOKTAPE__STATE__PATH": str(root / "var")}, root, exchanges={}))
    return box


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    return Fake(Box(tmp_path).conf)


def run(configurations: Configurations, fake: Fake, digest: str = NEW) -> None:
    environment = {
        "BOOKTAPE_CONFIG": str(configurations.live),
        "BOOKTAPE__STATE__PATH": str(configurations.live.parent / "var"),
    }

    def load_without(variables: Mapping[str, str]) -> Settings:
        return load(variables, exchanges={})

    box = Box(configurations.live.parents[1])
    configure(configurations, box, digest, environment, load_without, connect=lambda _: fake)


def find_digests(configurations: Configurations) -> list[str]:
    return [configurations.digest(link) for link in (configurations.live, configurations.current)]


def test_what_a_start_and_a_boot_read_is_the_new_one(
    configurations: Configurations, fake: Fake
) -> None:
    run(configurations, fake)
    assert ["dashboard"] == fake.restarted
    assert [NEW, NEW] == find_digests(configurations)


def test_one_that_changes_nothing_moves_no_program(
    configurations: Configurations, fake: Fake
) -> None:
    (configurations.live.parent / f"{NEW}.toml").write_text("# the same\n")
    run(configurations, fake)
    assert [] == fake.restarted
    assert [NEW, NEW] == find_digests(configurations)


def test_at_a_fault_all_of_it_goes_back(configurations: Configurations, fake: Fake) -> None:
    fake.is_broken = True
    with pytest.raises(SupervisorError):
        run(configurations, fake)
    assert ["dashboard", "dashboard"] == fake.restarted
    assert [OLD, OLD] == find_digests(configurations)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[writter]\nflush_rows = 7\n", "writter.flush_rows"),
        ("[state]\npath = 'elsewhere'\n", "only the box's stack sets it"),
        ("[writer\n", "is not TOML"),
    ],
)
def test_one_with_a_fault_is_refused_before_anything_is_touched(
    configurations: Configurations, fake: Fake, text: str, fault: str
) -> None:
    (configurations.live.parent / f"{NEW}.toml").write_text(text)
    with pytest.raises(ConfigError, match=fault):
        run(configurations, fake)
    assert [] == fake.restarted
    assert [OLD, OLD] == find_digests(configurations)


SINK = '[sinks.influx]\nurl = "http://127.0.0.1/write"\n'


def test_a_sink_that_is_configured_is_run_and_one_that_is_not_any_more_ends(
    configurations: Configurations, fake: Fake
) -> None:
    (configurations.live.parent / f"{NEW}.toml").write_text(SINK)
    run(configurations, fake)
    assert {*SHIPPED, "sink_influx"} == fake.names
    (configurations.live.parent / f"{OLD}.toml").touch()
    run(configurations, fake, OLD)
    assert set(SHIPPED) == fake.names
    assert [OLD, OLD] == find_digests(configurations)


def test_a_sink_that_does_not_start_puts_all_of_it_back(
    configurations: Configurations, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Fake, name: str) -> None:
        raise SupervisorError(f"{name} does not start")

    (configurations.live.parent / f"{NEW}.toml").write_text(SINK)
    before = fake.conf.read_bytes()
    monkeypatch.setattr(Fake, "add", refuse)
    with pytest.raises(SupervisorError):
        run(configurations, fake)
    assert before == fake.conf.read_bytes()
    assert [OLD, OLD] == find_digests(configurations)
    assert 2 == fake.rereads
