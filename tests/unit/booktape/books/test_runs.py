from pathlib import Path

from booktape.books.spans import Run
from tests.support.hand_tape import BTC, A, HandTape, at, checkpoint, delta, feed, snapshot


def runs_of(tape: HandTape) -> list[Run]:
    (session,) = tape.reading()[2].find("bitvavo", at(0), at(9))
    return session.runs(0, BTC)


def test_a_run_is_a_snapshot_or_deltas_of_one_epoch_between_two_rows_of_the_feed(
    tmp_path: Path,
) -> None:
    tape = HandTape(tmp_path)
    tape.write(
        A,
        snapshot(1, 0, ("bid", 1.0, 1.0), ("ask", 2.0, 1.0)),
        delta(3, 0, ("bid", 1.0, 2.0), ("bid", 0.5, 2.0)),
        delta(2, 0, ("bid", 1.0, 3.0)),
        feed(4, "gap", BTC, channel="book"),
        delta(4, 0, ("bid", 1.0, 4.0)),
        delta(5, 7, ("bid", 1.0, 5.0)),
        checkpoint(6, 7, ("bid", 1.0, 5.0)),
        checkpoint(7, 7, ("bid", 1.0, 5.0)),
        feed(9, "gap", BTC, channel="book"),
    )
    found = [(run.number, run.last, run.epoch, run.begin, run.end) for run in runs_of(tape)]
    assert [
        (0, 0, 0, 0, 2),
        (1, 2, 0, 2, 5),
        (4, 4, 0, 5, 6),
        (5, 5, 7, 6, 7),
        (6, 6, 7, 7, 8),
        (7, 7, 7, 8, 9),
    ] == found


def test_a_run_knows_its_first_and_its_latest_time_and_its_kind(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0), delta(3, 0, ("bid", 1.0, 2.0)), delta(2, 0), checkpoint(4, 0))
    first, deltas, last = runs_of(tape)
    assert (at(1), at(1), True, False) == kind_of(first)
    assert (at(3), at(3), False, False) == kind_of(deltas)
    assert (at(4), at(4), True, True) == kind_of(last)


def kind_of(run: Run) -> tuple[int, int, bool, bool]:
    return run.ts, run.ts_max, run.is_snapshot, run.is_checkpoint
