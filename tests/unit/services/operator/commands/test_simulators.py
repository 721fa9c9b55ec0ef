import socket
from pathlib import Path

import pytest

from booktape.errors import BooktapeError
from services.operator.commands.simulators import Simulators
from tests.process.standing import STAND_IN, install, wait_until


def test_each_exchange_listens_and_ends_with_us(tmp_path: Path) -> None:
    environment = install(tmp_path, STAND_IN)
    truth = tmp_path / "truth.jsonl"
    with Simulators() as simulators:
        address = simulators.start(
            "bitvavo",
            ["--symbols", "1", "--truth", str(truth)],
            environment=environment,
            log=tmp_path / "log",
        )
        assert address.websocket_url.startswith("ws://127.0.0.1:")
        assert address.rest_url.startswith("http://127.0.0.1:")
        assert simulators.find_ended() is None
        simulators.quiesce()
        assert simulators.find_ended() is None
    assert '"type":"book"' in truth.read_text()
    assert truth.read_text().splitlines()[-1].startswith('{"type":"end"')
    port = int(address.rest_url.split(":")[2].split("/")[0])
    with socket.socket() as probe:
        assert 0 != probe.connect_ex(("127.0.0.1", port))


def test_one_that_does_not_start_is_explained_by_its_own_words(tmp_path: Path) -> None:
    environment = install(tmp_path, STAND_IN)
    with (
        Simulators() as simulators,
        pytest.raises(BooktapeError, match=r"simulator of bitvavo did not start: .*flood"),
    ):
        simulators.start(
            "bitvavo", ["--faults", "flood"], environment=environment, log=tmp_path / "log"
        )


def test_one_that_ends_is_named(tmp_path: Path) -> None:
    environment = install(tmp_path, STAND_IN)
    with Simulators() as simulators:
        simulators.start("btcturk", [], environment=environment, log=tmp_path / "log")
        simulators._children["btcturk"].kill()
        wait_until(lambda: simulators.find_ended() == "btcturk")
        simulators.quiesce()
