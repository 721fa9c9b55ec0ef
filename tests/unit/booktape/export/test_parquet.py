from pathlib import Path

from pyarrow import parquet

from booktape.export.days import Day
from booktape.export.folder import Folder
from booktape.export.parquet import write
from booktape.opening import open_reading, open_tape
from booktape.times import DAY_US, SECOND_US
from tests.support.hand_tape import BTC, A, HandTape, at, delta, feed, snapshot


def test_a_day_is_what_the_tape_answers(tmp_path: Path) -> None:
    tape = HandTape(tmp_path / "tape")
    book = ("bid", 98.0, 2.0), ("bid", 99.0, 1.0), ("ask", 101.0, 3.0)
    tape.write(A, snapshot(1, 0, *book), delta(2, 0, ("bid", 99.0, 0.0)))
    tape.write(A, feed(60, "session_end", reason="stopped"))
    market, midnight = f"bitvavo:{BTC}", at(0) // DAY_US * DAY_US
    day = Day(open_reading(tape.root), market, "2026-11-22")
    folder = Folder(tmp_path / "out", "parquet", {})
    for name, every in (("1s", SECOND_US), (None, None)):
        facts = write(day, folder, depth=2, every_us=every)
        found = parquet.read_table(folder.path / str(facts["file"]))
        span = midnight, midnight + DAY_US
        expected = open_tape(tape.root).top(market, *span, depth=2, every=name).to_arrow()
        assert expected.equals(found)
        assert facts["rows"] == found.num_rows
    assert [[at(1), at(60)]] == facts["known"]
