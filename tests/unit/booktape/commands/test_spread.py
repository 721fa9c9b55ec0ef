from argparse import ArgumentTypeError

import pytest

from booktape.commands.spread import fee
from booktape.opening import open_tape
from tests.support.commands import BTC_EUR, BTC_TRY, Shell

VIA = "bitvavo:USDT-EUR", "btcturk:USDT-TRY"
FEES = {"bitvavo": 0.0025, "btcturk": 0.0012}
QUESTION = (
    *("spread", BTC_EUR, BTC_TRY, "--via", *VIA),
    *("--fee", "bitvavo=0.0025", "--fee", "btcturk=0.0012"),
)


def test_it_prints_what_the_library_reads(shell: Shell) -> None:
    rows = shell.rows(*QUESTION, "--every", "5s")
    tape = open_tape(shell.tape)
    expected = tape.spread(BTC_EUR, BTC_TRY, via=VIA, fees=FEES, every="5s").to_arrow()
    assert expected["b_to_a_profit"].to_pylist() == [row["b_to_a_profit"] for row in rows]
    assert any(row["b_to_a_profit"] for row in rows)


@pytest.mark.parametrize(
    ("span", "complaint"),
    [
        (("2026-09-20", "2026-09-20T00:00:09"), "at no moment of this range are all books known"),
        (("2026-09-22", "2026-09-22"), "no rows: the range is empty"),
        (("2026-09-21T12:02:20Z", "2026-09-21T12:02:40Z"), "in 10 of 20 rows a book is unknown"),
    ],
)
def test_an_answer_without_some_values_says_so(
    shell: Shell, span: tuple[str, str], complaint: str
) -> None:
    said = shell.run(*QUESTION, "--start", span[0], "--end", span[1])
    assert 0 == said.status
    assert said.err.startswith(f"booktape: {complaint}")
    assert 1 == said.err.count("\n")


def test_a_fee_that_is_missing_is_named(shell: Shell) -> None:
    said = shell.run("spread", BTC_EUR, BTC_TRY, "--via", *VIA, "--fee", "bitvavo=0")
    assert 1 == said.status
    assert "has no fee of btcturk" in said.err


def test_a_fee_is_an_exchange_and_a_share() -> None:
    assert ("bitvavo", 0.0025) == fee("bitvavo=0.0025")
    with pytest.raises(ArgumentTypeError, match="takes EXCHANGE=SHARE"):
        fee("0.0025")
    with pytest.raises(ArgumentTypeError, match="takes a share from 0 to below 1, not 25"):
        fee("bitvavo=25")
    with pytest.raises(ArgumentTypeError, match="takes a share from 0 to below 1, not much"):
        fee("bitvavo=much")
