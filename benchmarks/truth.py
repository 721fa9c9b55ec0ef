"""Compares a tape with the truth, a simulator's own record of its messages."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from pyarrow import parquet

# A trade by its id: Bitvavo's, or BtcTurk's in a frame of type 421 (several) or 422.
_TRADES = re.compile(rb'\\"event\\":\\"trade\\"|"message":"\[42[12],')
_IDS = re.compile(rb'\\"(?:id|I)\\":\\"([^"\\]+)\\"')


class _Book(Struct):
    symbol: str
    sequence: int | dict[str, int]  # one for all, or one for each connection


class Sent(Struct):
    """The record of a simulator's messages."""

    sequences: dict[str, set[int]]  # by symbol: the last number, of each connection
    trade_ids: set[str]


def compare(truth: Path, tape: Path, exchange: str) -> None:
    """Raise if the tape lacks the end of a book or a trade."""
    sent = read_truth(truth)
    ends = find_ends(tape / "book" / f"exchange={exchange}")
    for symbol, sequences in sent.sequences.items():
        if ends.get(symbol) not in sequences:
            raise RuntimeError(f"{symbol} ends at {ends.get(symbol)}, not at {sequences}")
    stored = [
        trade_id
        for file in sorted((tape / "trades" / f"exchange={exchange}").rglob("*.parquet"))
        for trade_id in read_columns(file, ["trade_id"])["trade_id"].to_pylist()
    ]
    if len(stored) != len(set(stored)) or set(stored) != sent.trade_ids:
        raise RuntimeError(f"{len(stored)} trades are stored, {len(sent.trade_ids)} were sent")


def read_truth(path: Path) -> Sent:
    """Return the record of a truth file; see `services.simulator.truth`."""
    sent = Sent({}, set())
    with path.open("rb") as lines:
        for line in lines:
            if line.startswith(b'{"type":"book"'):
                book = _decode(line)
                last = book.sequence
                ends = {last} if isinstance(last, int) else set(last.values())
                sent.sequences[book.symbol] = ends
            elif line.startswith(b'{"type":"sent"') and _TRADES.search(line):
                sent.trade_ids |= {one.decode() for one in _IDS.findall(line)}
    return sent


def find_ends(folder: Path) -> dict[str, int]:
    """Return the sequence of each symbol's last event."""
    newest: dict[str, tuple[int, int]] = {}
    for file in folder.rglob("*.parquet"):
        for symbol, number, sequence in _last_rows(file):
            newest[symbol] = max(newest.get(symbol, (number, sequence)), (number, sequence))
    return {symbol: sequence for symbol, (_, sequence) in newest.items()}


def _last_rows(file: Path) -> Iterator[tuple[str, int, int]]:
    """Yield symbol, event number and sequence of the last event of each symbol in a segment."""
    table = read_columns(file, ["symbol", "event_number", "sequence"])
    codes = table["symbol"].combine_chunks().cast("string")
    is_last = pc.not_equal(codes[:-1], codes[1:])
    rows = [*pc.indices_nonzero(is_last).to_pylist(), table.num_rows - 1]
    yield from zip(
        *(table[name].take(rows).to_pylist() for name in table.column_names), strict=True
    )


def read_columns(file: Path, columns: list[str]) -> pa.Table:
    """Return some columns of one segment."""
    return parquet.ParquetFile(file).read(columns=columns)


_decode = msgspec.json.Decoder(_Book).decode
