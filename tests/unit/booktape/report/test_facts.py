from pathlib import Path

from booktape.ledger import Ledger
from booktape.report.facts import add_causes, find_days, find_inner_gaps, find_known_share
from booktape.store.folder import FolderStore
from tests.support.certified import certify_all
from tests.support.day_certificates import SECOND, make_day, make_symbol
from tests.support.hand_tape import A, HandTape, snapshot

LEVEL = ("bid", 99.0, 1.0)


def test_a_day_has_one_of_four_words(tmp_path: Path) -> None:
    tape = HandTape(tmp_path / "tape")
    tape.write(A, snapshot(1, 0, LEVEL))
    certify_all(tape.root, tmp_path / "temporary")
    tape.write(A, snapshot(2 * 86_400, 1, LEVEL))
    days = find_days(Ledger(FolderStore(tape.root), "file:"), "2026-11-22", "2026-11-24")
    assert [
        ("2026-11-22", "available", True),
        ("2026-11-23", "missing", False),
        ("2026-11-24", "pending", False),
    ] == [(one.date, one.condition, one.certificate is not None) for one in days]


def test_what_lies_outside_of_a_book_is_no_loss() -> None:
    assert ["gap"] == [gap.cause for gap in find_inner_gaps(make_symbol())]
    assert [] == find_inner_gaps(make_symbol(book_start=None, book_end=None))
    share = find_known_share(make_symbol())
    assert share is not None
    assert abs(share - 3590 / 3600) < 1e-12
    assert find_known_share(make_symbol(book_start=None, book_end=None)) is None


def test_causes_are_added_up_over_symbols() -> None:
    sums = add_causes([make_day(make_symbol(), make_symbol("ETH-EUR"))])
    [(place, one)] = sums.items()
    assert ("bitvavo", "gap") == place
    assert (2, 20 * SECOND, 10 * SECOND) == (one.gaps, one.us, one.longest_us)
    assert {"BTC-EUR", "ETH-EUR"} == one.symbols
