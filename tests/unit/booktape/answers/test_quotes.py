from pathlib import Path
from typing import Any

import pyarrow as pa

from booktape.answers.quotes import QUOTED, quote
from booktape.answers.trades import read_trades
from tests.support.hand_tape import BTC, A, HandTape, at, delta, feed, snapshot, ticker, trade


def quotes_of(tape: HandTape) -> list[dict[str, Any]]:
    ledger, segments, _ = tape.reading()
    span = at(-99), at(99)
    parts = read_trades(ledger, segments, ("bitvavo", BTC), *span, memory_bytes=1 << 20)
    trades = pa.concat_tables(parts)
    quoted = quote(tape.market(), trades)
    assert QUOTED.names == quoted.schema.names
    rows: list[dict[str, Any]] = quoted.to_pylist()
    return rows


def test_a_quote_is_the_book_one_microsecond_before_the_trade_came(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, snapshot(1, 0, ("bid", 9.0, 1.0), ("ask", 11.0, 3.0)))
    tape.write(A, trade(2, "with", event=1.9), delta(2, 0, ("bid", 10.0, 2.0)), trade(3, "after"))
    tape.write(
        A, feed(4, "gap", BTC), trade(5, "in a gap"), trade(3, "late", event=-2.1), ticker(9)
    )
    found = {row["trade_id"]: (row["bid_price"], row["bid_size"]) for row in quotes_of(tape)}
    nothing = (None, None)
    assert {"with": (9.0, 1.0), "after": (10.0, 2.0), "in a gap": nothing, "late": nothing} == found
    assert [11.0, 3.0] == [quotes_of(tape)[1][name] for name in ("ask_price", "ask_size")]


def test_late_trades_alone_have_no_quotes(tmp_path: Path) -> None:
    tape = HandTape(tmp_path)
    tape.write(A, trade(30, "late", event=1))
    assert [None] == [row["ask_price"] for row in quotes_of(tape)]
