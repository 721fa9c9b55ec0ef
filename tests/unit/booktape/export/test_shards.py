"""An export that is cut over processes is the one that a single process writes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.hand_tape import BTC, A, HandTape, delta, feed, snapshot, trade

DAY = 86_400
DATES = "2026-11-22", "2026-11-23"
MARKETS = {f"bitvavo:{BTC}": A, "btcturk:BTC-TRY": A.replace("bitvavo", "btcturk")}
STOP = feed(DAY + 60, "session_end", reason="stopped")


def make_tape(root: Path) -> HandTape:
    tape = HandTape(root)
    for market, session in MARKETS.items():
        _, _, symbol = market.partition(":")
        for day in (0, DAY):
            begin = tape.next.get(session, 0)
            tape.write(
                session,
                snapshot(day + 1, begin, ("bid", 9.5, 1.0), ("ask", 10.0, 2.0), symbol=symbol),
                delta(day + 2, begin, ("bid", 9.0, 1.0), symbol=symbol),
                trade(day + 3, f"t{day}", event=day + 2.9, symbol=symbol),
                feed(day + 4, "gap", symbol),
            )
        tape.write(session, STOP)
    return tape


def start(
    tape: HandTape, target: str, date: str, out: Path, *markets: str
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "booktape.commands.main", "export", "--to", target]
    arguments = ["--date", date, "--out", str(out), "--tape", str(tape.root)]
    return subprocess.Popen([*command, *markets, *arguments], stdout=subprocess.DEVNULL)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("target", ["parquet", "hftbacktest"])
def test_processes_at_once_write_what_one_after_the_other_does(tmp_path: Path, target: str) -> None:
    tape = make_tape(tmp_path / "tape")
    for date in DATES:
        assert 0 == start(tape, target, date, tmp_path / "whole", *MARKETS).wait()
    shards = [
        start(tape, target, date, tmp_path / "cut", market) for date in DATES for market in MARKETS
    ]
    assert {0} == {shard.wait() for shard in shards}
    whole, cut = files(tmp_path / "whole"), files(tmp_path / "cut")
    assert set(whole) == set(cut)
    assert whole == cut
    assert 1 + len(DATES) * len(MARKETS) == sum(name.endswith(".json") for name in whole)
