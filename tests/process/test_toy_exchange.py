"""A new exchange is one folder: this one is unlike the others, and nothing else knows of it."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.__main__ import find_exchange_names
from services.operator.commands.simulators import Simulators
from tests.process.standing import WAIT_S, wait_until
from tests.support.simulators import booktape
from tests.support.tape_reader import Truth, query, read_gaps, rebuild_books
from tests.support.toy_tree import make_command, make_tree

pytestmark = [pytest.mark.process, pytest.mark.slow]

SYMBOLS = ("ACORN-NUT", "BERRY-NUT")
# What they look at is which exchanges there are.
TESTS = (
    "tests/exchange",
    "tests/meta/test_architecture.py",
    "tests/meta/test_configuration.py",
    "tests/meta/test_supervisor_conf.py",
    "tests/unit/services/operator",
    "tests/unit/services/test_main.py",
    "tests/unit/services/simulator/test_found.py",
    "tests/unit/services/simulator/test_main.py",
    "tests/unit/shared/process/test_settings.py",
)
CONFIGURATION = """
[storage]
url = "file:data"
[state]
path = "var"
disk_free_min_bytes = 0
[writer]
flush_interval_s = 0.5
[exchanges.toy]
checkpoint_interval_s = 5
websocket_url = "{}"
rest_url = "{}"
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("tree"))


class Recording:
    """The toy, a writer and a feed of it, by hand in one folder; all ends with the block."""

    def __init__(self, folder: Path, tree: Path) -> None:
        self.folder, self.data, self.truth = folder, folder / "data", folder / "truth.jsonl"
        self.variables = {"PYTHONPATH": str(tree)}
        self.simulators = Simulators()
        self._is_closed = False
        options = ["--symbols", str(len(SYMBOLS)), "--rate", "40", "--truth", str(self.truth)]
        address = self.simulators.start(
            "toy",
            [*options, "--faults", "gap", "--fault-interval-s", "8"],
            environment={**os.environ, **self.variables},
            log=folder / "log",
        )
        configuration = CONFIGURATION.format(address.websocket_url, address.rest_url)
        (folder / "booktape.toml").write_text(configuration, encoding="utf-8")
        self.writer = booktape(folder, self.variables, "write")
        self.feed = booktape(folder, self.variables, "ingest", "toy")

    def say(self, *arguments: str) -> str:
        """Return what a command says that ends well."""
        child = booktape(self.folder, self.variables, *arguments)
        said, complaints = child.communicate(timeout=WAIT_S)
        assert 0 == child.returncode, said + complaints
        return said

    def kill_feed(self) -> None:
        """Kill the feed; another one goes on."""
        self.feed.kill()
        self.feed.communicate(timeout=WAIT_S)
        self.feed = booktape(self.folder, self.variables, "ingest", "toy")

    def report(self) -> dict[str, Any]:
        """Return what the feed that runs has reported, if it has."""
        try:
            found: dict[str, Any] = json.loads(
                (self.folder / "var/status/ingest_toy-a.json").read_bytes()
            )
        except FileNotFoundError:
            return {}
        return found if found["pid"] == self.feed.pid else {}

    def is_live(self) -> bool:
        return "live" == self.report().get("state")

    def has(self, kind: str) -> bool:
        kinds: dict[str, int] = self.report().get("kinds", {})
        return kinds.get(kind, 0) > 0

    def is_at_the_end(self) -> bool:
        """Say whether the market stands still, and the tape has its books."""
        books = Truth(self.truth, is_over=False).books
        return set(SYMBOLS) == set(books) and books == rebuild_books(self.data, "toy")

    def end(self) -> None:
        """Drain, and end the exchange, which writes its last lines."""
        for child in (self.feed, self.writer):
            child.send_signal(signal.SIGTERM)
            said = child.communicate(timeout=WAIT_S)[1]
            assert 0 == child.returncode, said
        self.close()

    def close(self) -> None:
        """End whatever still runs."""
        for child in (self.feed, self.writer):
            if child.poll() is None:
                child.kill()
                child.communicate(timeout=WAIT_S)
        if not self._is_closed:
            self._is_closed = True
            self.simulators.__exit__(None, None, None)


@pytest.fixture
def recording(tmp_path: Path, tree: Path) -> Iterator[Recording]:
    recording = Recording(tmp_path, tree)
    yield recording
    recording.close()


def test_an_exchange_in_a_folder_of_its_own_is_recorded_as_it_was(recording: Recording) -> None:
    wait_until(lambda: recording.is_live() and recording.has("gap"))
    recording.kill_feed()
    # It would have hung up by now on who says no ping.
    wait_until(lambda: recording.report().get("counts", {}).get("chatter", {}).get("pong", 0) > 4)
    wait_until(lambda: recording.is_live() and recording.has("gap") and recording.has("audit"))
    assert "toy ACORN-NUT, sequence " in recording.say("book", "toy", "ACORN-NUT", "--limit", "2")
    recording.simulators.quiesce()
    wait_until(recording.is_at_the_end)
    recording.end()

    truth, data = Truth(recording.truth), recording.data
    assert truth.books == rebuild_books(data, "toy")
    told = Counter(read_gaps(data, "toy"))
    assert told
    assert Counter() == told - Counter(truth.gaps)
    closed = [line["reason"] for line in truth.lines if line.get("event") == "close"]
    assert "no ping" not in closed
    ranges = "SELECT count(*) FROM tape WHERE previous < sequence - 1"
    assert query(data, "book", ranges)[0][0] > 0
    assert [("buy",), ("sell",)] == query(
        data, "trades", "SELECT DISTINCT side FROM tape ORDER BY 1"
    )
    ends = query(data, "feed_events", "SELECT detail FROM tape WHERE kind = 'session_end'")
    assert ["killed", "stopped"] == sorted(json.loads(detail)["reason"] for (detail,) in ends)

    found = query(data, "feed_events", "SELECT kind, detail FROM tape ORDER BY event_number")
    assert "mismatch" not in {kind for kind, _ in found}
    assert {0} == {json.loads(detail)["differ"] for kind, detail in found if kind == "audit"}

    verified = json.loads(recording.say("verify", "--json"))
    assert verified["ok"]
    assert [] == verified["pending"]
    assert told == Counter(
        (gap["symbol"], gap["sequence_expected"], gap["sequence_received"])
        for session in verified["sessions"]
        for gap in session["gaps"]
        if gap["sequence_expected"] is not None
    )
    assert "toy " in recording.say("exchanges")
    assert "toy" in recording.say("ingest", "--help")


def test_a_demo_takes_it_as_well(tmp_path: Path, tree: Path) -> None:
    environment = make_command(tree, os.environ)
    arguments = ["demo", "--seconds", "10", "--symbols", "2", "--faults", "gap"]
    demo = subprocess.run(
        [str(tree / "bin/booktape"), *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=3 * WAIT_S,
        check=False,
    )
    assert 0 == demo.returncode, demo.stdout + demo.stderr
    assert "The tape is whole.\n" in demo.stdout
    folder = tmp_path / "demo"
    expected = {*find_exchange_names(), "toy"}
    assert expected == {path.stem for path in (folder / "truth").iterdir()}
    verified = json.loads(
        subprocess.run(
            [str(tree / "bin/booktape"), "verify", "file:demo/data", "--json"],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
    )
    assert expected == {one["session"].split("-")[1] for one in verified["sessions"]}
    truth = Truth(folder / "truth" / "toy.jsonl")
    assert 2 == len(truth.books)
    assert truth.books == rebuild_books(folder / "data", "toy")


def test_no_test_but_those_of_the_exchanges_knows_which_there_are(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", with_tests=True)
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider", *TESTS],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == tested.returncode, tested.stdout
