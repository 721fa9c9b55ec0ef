import pytest

from booktape.errors import TapeError
from booktape.proof.details import find_before, find_end, is_stopped

SESSION = "20261122T091500.123456Z-bitvavo-a"
BEFORE = "20261121T091500.123456Z-bitvavo-a"


def test_a_session_says_which_one_it_follows() -> None:
    detail = f'{{"symbols":"3","transport":"rest","session_before":"{BEFORE}"}}'
    assert BEFORE == find_before(SESSION, detail)


@pytest.mark.parametrize("detail", ["{}", '{"symbols":"all"}', '{"session_before":null}'])
def test_the_first_session_follows_none_and_an_older_release_does_not_say(detail: str) -> None:
    assert find_before(SESSION, detail) is None


@pytest.mark.parametrize(
    "before",
    [
        SESSION,
        BEFORE.replace("-a", "-b"),
        BEFORE.replace("bitvavo", "btcturk"),
        *("", "x", BEFORE + "-a"),
    ],
)
def test_a_session_of_another_line_is_not_before_it(before: str) -> None:
    with pytest.raises(TapeError, match="a session_start says"):
        find_before(SESSION, f'{{"session_before":"{before}"}}')


@pytest.mark.parametrize("detail", ["", "[]", '{"session_before":7}', "[" * 100_000])
def test_a_start_that_cannot_be_read_is_refused(detail: str) -> None:
    with pytest.raises(TapeError, match="a session_start says"):
        find_before(SESSION, detail)


def test_an_end_says_why_and_how_many_events_there_were() -> None:
    end = find_end('{"reason":"stopped","events":7}')
    assert (True, 7) == (end.is_stop, end.events)
    assert not find_end('{"reason":"killed","events":7}').is_stop


@pytest.mark.parametrize("detail", ["", "{}", '{"reason":"stopped"}', "[" * 100_000])
def test_an_end_that_cannot_be_read_is_refused(detail: str) -> None:
    with pytest.raises(TapeError, match="a session_end says"):
        find_end(detail)


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ('{"reason":"stopped"}', True),
        ('{"connection":3,"reason":"stopped","symbols":["BTC-EUR"]}', True),
        ('{"connection":3,"reason":"reset","symbols":[]}', False),
        *(("{}", False), ("", False), ('{"reason":7}', False)),
    ],
)
def test_a_connection_was_stopped_if_its_row_says_so(detail: str, *, expected: bool) -> None:
    assert expected == is_stopped(detail)
