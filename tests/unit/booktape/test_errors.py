import inspect

import pytest

import booktape.errors
from booktape.errors import (
    AlreadyStored,
    BooktapeError,
    DamagedSegment,
    MissingExtra,
    NewerSchema,
    NotATape,
    NotKnown,
    StoreError,
    TapeError,
    UnknownExchange,
    UnknownSymbol,
    UnknownTable,
    name_some,
)


def test_all_of_them_can_be_caught_as_ours() -> None:
    classes = [kind for _, kind in inspect.getmembers(booktape.errors, inspect.isclass)]
    ours = [kind for kind in classes if kind.__module__ == "booktape.errors"]
    assert [] == [kind for kind in ours if not issubclass(kind, BooktapeError)]


def test_a_store_error_names_action_place_and_remedy() -> None:
    error = StoreError("put", where="s3://tape", reason="AccessDenied", remedy="grant s3:PutObject")
    assert "cannot put s3://tape: AccessDenied; grant s3:PutObject" == str(error)


def test_already_stored_names_the_key() -> None:
    assert "tape/x.parquet is already stored" == str(AlreadyStored("tape/x.parquet"))


@pytest.mark.parametrize(
    ("error", "builtin", "text"),
    [
        (NotATape("nothing there"), ValueError, "nothing there"),
        (
            UnknownExchange("kraken", ["bitvavo", "btcturk"]),
            LookupError,
            "no exchange 'kraken' on this tape; it has bitvavo, btcturk",
        ),
        (
            UnknownSymbol("bitvavo:BTC-EUX", ["bitvavo:BTC-EUR"]),
            LookupError,
            "no market 'bitvavo:BTC-EUX' on this tape; the nearest: bitvavo:BTC-EUR",
        ),
        (UnknownSymbol("bitvavo:X", []), LookupError, "no market 'bitvavo:X' on this tape"),
        (
            UnknownTable("books", ["book"]),
            LookupError,
            "no table 'books' on a tape; it has book",
        ),
        (NotKnown("not known", None), LookupError, "not known"),
        (DamagedSegment("a.parquet", "bits"), OSError, "a.parquet is damaged: bits"),
        (
            NewerSchema("a.json", 3),
            NotImplementedError,
            "a.json has version 3: read it with a newer release of booktape",
        ),
        (
            MissingExtra("to_pandas()", "pandas", "numpy"),
            ImportError,
            "to_pandas() needs pandas and numpy: pip install pandas numpy",
        ),
        (StoreError("get", where="x", reason="gone", remedy="wait"), OSError, "cannot get x"),
    ],
)
def test_an_error_of_a_tape_is_a_builtin_too_and_one_line(
    error: Exception, builtin: type[Exception], text: str
) -> None:
    assert isinstance(error, TapeError)
    assert isinstance(error, builtin)
    assert str(error).startswith(text)
    assert "\n" not in str(error)


def test_many_names_are_not_all_told() -> None:
    assert "none" == name_some([])
    assert "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 3 more" == name_some(map(str, range(15)))
