from pathlib import Path

from booktape.export.days import Day
from booktape.export.increments import find_increments
from booktape.opening import open_reading
from tests.support.hand_tape import BTC, A, Event, HandTape, at, delta, feed, snapshot

STOP = feed(60, "session_end", reason="stopped")


def day_of(tape: HandTape) -> Day:
    return Day(open_reading(tape.root), f"bitvavo:{BTC}", "2026-11-22")


def instrument(**columns: object) -> Event:
    texts = dict.fromkeys(("raw_symbol", "base", "quote", "info"), "x")
    row = {**texts, "status": "trading", "reason": "day", **columns}
    return Event("instruments", at(1), BTC, [row])


def test_what_is_given_goes_before_what_the_exchange_says_and_that_before_a_guess(
    tmp_path: Path,
) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, ("bid", 99.5, 1.5)), delta(2, 0, ("bid", 99.5, 0.0)), STOP)
    guessed = find_increments(day_of(tape), tick=None, lot="1e-3")
    assert ("99.5", "0.001") == (guessed.tick, guessed.lot)
    assert ("inferred from the prices seen", "given") == (guessed.tick_from, guessed.lot_from)
    assert (1, 3) == guessed.decimals


def test_the_exchange_says_a_step_or_how_many_decimals(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0), instrument(price_increment=0.01, size_decimals=8), STOP)
    said = find_increments(day_of(tape), tick=None, lot=None)
    assert ("0.01", "0.00000001") == (said.tick, said.lot)
    assert {"instruments"} == {said.tick_from, said.lot_from}
    assert (2, 8) == said.decimals
