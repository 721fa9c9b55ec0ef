import sys
from pathlib import Path

import pytest

from booktape.errors import MissingExtra, TapeError
from booktape.export.exporting import TARGETS, Exported, Options, choose_options, export
from booktape.opening import open_reading
from tests.support.hand_tape import BTC, ETH, A, HandTape, feed, snapshot

MARKETS = [f"bitvavo:{BTC}", f"bitvavo:{ETH}"]


def make_tape(root: Path) -> HandTape:
    tape = HandTape(root)
    books = [snapshot(1, n, ("bid", 9.0, 1.0), symbol=s) for n, s in enumerate((BTC, ETH))]
    tape.write(A, *books, feed(9, "session_end", reason="stopped"))
    return tape


def run(tape: HandTape, out: Path, options: Options) -> list[Exported]:
    reading = open_reading(tape.root)
    found = export(reading, "parquet", MARKETS, date="2026-11-22", out=out, options=options)
    return list(found)


def test_what_was_ended_goes_on_market_by_market(tmp_path: Path) -> None:
    tape, out = make_tape(tmp_path / "tape"), tmp_path / "out"
    options = Options(depth=1, every="1h")
    first, second = run(tape, out, options)
    assert (True, True, 24) == (first.is_new, second.is_new, first.facts["rows"])
    (out / "bitvavo_ETH-EUR_2026-11-22.json").unlink()
    again = run(tape, out, options)
    assert [False, True] == [each.is_new for each in again]
    assert [first.facts, second.facts] == [each.facts for each in again]
    with pytest.raises(TapeError, match="another export"):
        run(tape, out, Options(depth=2, every="1h"))
    assert 1 == len(run(tape, tmp_path / "changes", Options(every="change"))[1].facts["known"])


def test_a_target_has_its_own_options() -> None:
    assert {"depth": 3, "every": "1s"} == choose_options("parquet", Options(depth=3))
    with pytest.raises(ValueError, match="parquet takes no --latency-ms; it takes --depth, --ev"):
        choose_options("parquet", Options(latency_ms=3.0))
    with pytest.raises(ValueError, match="no target 'excel'; there are hftbacktest"):
        choose_options("excel", Options())


def test_a_package_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    tape = make_tape(tmp_path / "tape")
    found = export(
        open_reading(tape.root), "hftbacktest", MARKETS, date="2026-11-22", out=tmp_path / "out"
    )
    with pytest.raises(MissingExtra, match="pip install numpy"):
        next(found)
    assert not (tmp_path / "out").exists()


def test_every_target_is_a_module_that_writes() -> None:
    for target in TARGETS.values():
        assert target.module.startswith("booktape.export.")
