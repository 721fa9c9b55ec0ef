from pathlib import Path
from random import Random

import booktape
from tests.support.small_tapes import SMALL_TAPES
from tests.support.tape_lines import at
from tests.support.tape_maker import make_tape

FLIPS = 200


def read(folder: Path) -> tuple[object, ...]:
    tape = booktape.open(folder)
    rows = tape.scan("book").to_arrow().to_pylist()
    book = tape.book_at("bitvavo:BTC-EUR", at(4.5))
    return rows, book.bids.to_pylist(), book.asks.to_pylist()


def test_a_flipped_bit_is_told_and_never_changes_an_answer(tmp_path: Path) -> None:
    make_tape(tmp_path, SMALL_TAPES["audit"])
    (path,) = tmp_path.glob("tape/book/*/*/*.parquet")
    whole, expected = path.read_bytes(), read(tmp_path)
    random = Random(15)
    silent, told = 0, []
    for _ in range(FLIPS):
        place, bit = random.randrange(len(whole)), random.randrange(8)
        damaged = bytearray(whole)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        try:
            found = read(tmp_path)
        except booktape.DamagedSegment as error:
            told.append(str(error))
        else:
            assert expected == found, f"bit {bit} of byte {place}"
            silent += 1
    assert all(path.name in said for said in told)
    # What nobody reads to answer may be damaged without a word.
    assert silent < FLIPS / 4
