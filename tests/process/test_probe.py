"""A probe by its command, against simulators that are honest and that lie."""

import re
from pathlib import Path

import pytest

from tests.support.simulators import Simulator, booktape

WAIT_S = 400.0
ROW = re.compile(r"^([A-Z]\d+) .*(CONFIRMED|REFUTED|not seen)$", re.MULTILINE)
CASES = {
    "an honest Bitvavo": ("bitvavo", "", {"B16", "B25", "B33", "B34"}, set[str]()),
    "an honest BtcTurk": ("btcturk", "", {"T24"}, set[str]()),
    # Those that the simulator alone can tell: by frames, pings and handshakes.
    "a Bitvavo that lies": (
        "bitvavo",
        "crossed,other_pings,few_connections,odd_minutes,parts",
        set[str](),
        {"F2", "B25", "B31", "B24", "B11"},
    ),
    "a BtcTurk that lies": ("btcturk", "no_resync,binary", set[str](), {"F1", "T11"}),
}


@pytest.mark.process
@pytest.mark.slow
def test_it_finds_out_who_lies_and_believes_who_does_not(tmp_path: Path) -> None:
    """All at once: a script takes more than a minute, nearly all of it waiting."""
    probes = {}
    for case, (exchange, lies, _, _) in CASES.items():
        folder = tmp_path / case
        folder.mkdir()
        # `--unlimited` is the simulator's own concern: a probe keeps its limits all the same.
        simulator = Simulator(exchange, "--symbols", "4", "--levels", "80", "--lies", lies)
        command = booktape(folder, simulator.variables(), "probe", exchange, "--minutes", "1.2")
        probes[case] = simulator, command
    said = {}
    for case, (simulator, command) in probes.items():
        with simulator, command:
            out, err = command.communicate(timeout=WAIT_S)
            said[case] = out, err, command.returncode
    for case, (exchange, _, unseen, refuted) in CASES.items():
        out, err, status = said[case]
        rows = dict(ROW.findall(out))
        wrong = {name for name, verdict in rows.items() if verdict == "REFUTED"}
        missing = {name for name, verdict in rows.items() if verdict == "not seen"}
        assert refuted <= wrong, (case, out, err)
        if not refuted:
            assert (set(), set()) == (wrong, missing - unseen), (case, out, err)
        assert (1 if refuted else 2 if missing - {"B16", "B33", "B34", "T24"} else 0) == status
        (kept,) = (tmp_path / case / "probe").glob(f"{exchange}-*.jsonl.zst")
        with booktape(tmp_path / case, {}, "probe", "--again", str(kept)) as again:
            assert out.partition("\n")[2] == again.communicate(timeout=WAIT_S)[0]
