import pytest

from booktape.errors import TapeError
from booktape.keys import (
    Key,
    are_of_one_line,
    date_of,
    day_of,
    exchange_of,
    line_of,
    manifest_key,
    parse_key,
    segment_key,
)

SESSION = "20261122T091500.123456Z-bitvavo-a"
PLACE = ("bitvavo", "2026-11-22", SESSION, 7, 1234567890123)
SEGMENT = (
    "tape/book/exchange=bitvavo/date=2026-11-22/"
    "20261122T091500.123456Z-bitvavo-a-000000000007-1234567890123.parquet"
)
MANIFEST = SEGMENT.replace("tape/book", "ledger").replace(".parquet", ".json")


def test_a_key_names_table_exchange_date_session_and_range() -> None:
    assert segment_key("book", *PLACE) == SEGMENT
    assert manifest_key(*PLACE) == MANIFEST


@pytest.mark.parametrize(("key", "table"), [(SEGMENT, "book"), (MANIFEST, None)])
def test_a_key_says_what_it_was_made_of(key: str, table: str | None) -> None:
    assert Key(table, *PLACE) == parse_key(key)
    assert key == parse_key(key).text


@pytest.mark.parametrize(
    "key",
    [
        "tape/README.md",
        SEGMENT + ".partial",
        "backup/" + SEGMENT,
        SEGMENT.replace("tape/book", "tape/books"),
        SEGMENT.replace("tape/book", "ledger"),
        MANIFEST.replace("ledger", "tape/book"),
        SEGMENT.replace("exchange=bitvavo", "exchange=btcturk"),
        SEGMENT.replace("date=2026-11-22", "date=2026-11-31"),
        SEGMENT.replace("date=2026-11-22", "date=20261122"),
        SEGMENT.replace("000000000007", "7"),
        SEGMENT.replace("000000000007", "0000000000007"),
        SEGMENT.replace("000000000007", "9999999999999"),
        SEGMENT.replace("T091500", "T251500"),
        SEGMENT.replace("-a-", "-A-"),
    ],
)
def test_what_we_would_not_have_stored_is_foreign(key: str) -> None:
    with pytest.raises(TapeError):
        parse_key(key)


def test_a_session_names_its_exchange_and_its_line() -> None:
    assert ("bitvavo", "a") == (exchange_of(SESSION), line_of(SESSION))


@pytest.mark.parametrize(
    "session",
    [
        "",
        "bitvavo",
        SESSION + "-b",
        SESSION.replace("Z", ""),
        SESSION.replace("1122", "1322"),
        SESSION + "\n",
        "../" + SESSION,
    ],
)
def test_what_is_no_session_id_is_refused(session: str) -> None:
    with pytest.raises(TapeError, match="no session id"):
        exchange_of(session)


def test_a_day_is_a_date() -> None:
    assert ("1970-01-01", "2026-11-22") == (date_of(0), date_of(20_779))
    assert 20_779 == day_of("2026-11-22")


@pytest.mark.parametrize("date", ["20261122", "2026-W47-7", "2026-02-30", "today"])
def test_what_is_no_date_is_refused(date: str) -> None:
    with pytest.raises(TapeError, match="no date"):
        day_of(date)


def test_two_sessions_are_of_one_line_or_not() -> None:
    later = SESSION.replace("20261122", "20261123")
    assert are_of_one_line(SESSION, later)
    assert not are_of_one_line(SESSION, later.replace("-a", "-b"))
    assert not are_of_one_line(SESSION, later.replace("bitvavo", "btcturk"))
    with pytest.raises(TapeError, match="no session id"):
        are_of_one_line(SESSION, "x")
