import sys
from pathlib import Path
from typing import Any

import pytest

from booktape.errors import MissingExtra, NotExported, TapeError
from booktape.export.exporting import (
    TARGETS,
    Exported,
    Options,
    Passes,
    choose_options,
    export,
)
from booktape.opening import open_reading
from tests.support.hand_tape import BTC, ETH, A, HandTape, delta, feed, snapshot, trade

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


def test_progress_moves_within_a_market(tmp_path: Path) -> None:
    tape = HandTape(tmp_path / "tape", row_group_rows=2)
    book = [snapshot(1, 0, ("bid", 9.0, 1.0))]
    tape.write(A, *book, *(delta(100 * n, 0, ("bid", 9.0, n + 1.0)) for n in range(1, 7)))
    tape.write(A, trade(700, "t", event=699.9), feed(800, "session_end", reason="stopped"))
    for target in ("tardis-csv", "hftbacktest", "parquet"):
        done: list[float] = []
        reading = open_reading(tape.root)
        out = tmp_path / target
        found = export(
            reading, target, MARKETS[:1], date="2026-11-22", out=out, progress=done.append
        )
        assert 1 == len(list(found))
        assert sorted(done) == done
        assert any(0 < share < 1 for share in done)
        assert 1 >= max(done)


def test_passes_over_a_day_are_parts_of_its_market() -> None:
    said: list[float] = []
    passes = Passes(2, said.append)
    for share in (0.5, 1.0, 0.5, 1.0, 0.5):  # one more than it should have taken
        passes.follow(share)
    passes.begin(1)
    passes.follow(0.5)
    assert [0.25, 0.5, 0.75, 1.0, 1.0, 1.25] == said


def test_what_cannot_be_written_is_named_at_the_end(tmp_path: Path) -> None:
    tape = HandTape(tmp_path / "tape")
    books = [trade(1, "t"), snapshot(2, 1, ("bid", 9.0, 1.0), symbol=ETH)]
    tape.write(A, *books, feed(9, "session_end", reason="stopped"))
    found = export(
        open_reading(tape.root), "parquet", MARKETS, date="2026-11-22", out=tmp_path / "out"
    )
    assert MARKETS[1] == next(found).market
    with pytest.raises(NotExported, match="bitvavo:BTC-EUR is not known on 2026-11-22"):
        next(found)


def test_a_full_disk_is_said_with_its_place(tmp_path: Path) -> None:
    """The device takes nothing, and says that there is no space."""
    tape = make_tape(tmp_path / "tape")
    for target, file in (("parquet", ".parquet"), ("hftbacktest", ".npz")):
        out = tmp_path / target
        options = Options(latency_ms=1.0) if target == "hftbacktest" else Options()
        reading = open_reading(tape.root)
        arguments: dict[str, Any] = {"date": "2026-11-22", "out": out, "options": options}
        first, _ = export(reading, target, MARKETS, **arguments)
        (out / "bitvavo_BTC-EUR_2026-11-22.json").unlink()
        (out / f"bitvavo_BTC-EUR_2026-11-22{file}.partial").symlink_to("/dev/full")
        with pytest.raises(OSError, match="No space left on device") as raised:
            next(export(reading, target, MARKETS, **arguments))
        assert str(out) == raised.value.filename
        assert [first] == list(export(reading, target, MARKETS[:1], **arguments))
