from pathlib import Path
from typing import Any

import pytest

from booktape.errors import ConfigError
from services.sink.cursor import SinkCursor
from shared.process.sinks import SinkSettings

TODAY = "2026-11-30"
A, B = "20261122T120000.000000Z-bitvavo-a", "20261122T115900.000000Z-bitvavo-b"
SETTINGS = SinkSettings(url="http://127.0.0.1/write?p=hush", begin="2026-11-20")


def make_cursor(folder: Path, today: str = TODAY, **changes: Any) -> SinkCursor:
    values: dict[str, Any] = {"url": SETTINGS.url, "begin": SETTINGS.begin, **changes}
    return SinkCursor(folder / "sinks" / "x.json", SinkSettings(**values), today=today)


def test_nothing_is_known_to_be_there_at_first(tmp_path: Path) -> None:
    cursor = make_cursor(tmp_path)
    assert (0, "2026-11-20") == (cursor.next(A), cursor.begin)


def test_it_is_remembered_for_each_session_and_goes_on_alone(tmp_path: Path) -> None:
    cursor = make_cursor(tmp_path)
    cursor.move(A, 7)
    cursor.move(B, 3)
    cursor.move(A, 5)
    again = make_cursor(tmp_path)
    assert (7, 3) == (again.next(A), again.next(B))


def test_without_a_date_it_begins_on_the_day_of_its_first_start(tmp_path: Path) -> None:
    make_cursor(tmp_path, begin="").save()
    assert TODAY == make_cursor(tmp_path, "2026-12-24", begin="").begin


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://127.0.0.1/write?p=other"},
        {"begin": "2026-11-19"},
        {"tables": ("ticker", "trades", "feed_events")},
    ],
)
def test_what_the_store_cannot_have_yet_makes_it_begin_anew(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    make_cursor(tmp_path, tables=("ticker",)).move(A, 7)
    assert 0 == make_cursor(tmp_path, **{"tables": ("ticker",), **changes}).next(A)


@pytest.mark.parametrize("changes", [{"begin": "2026-11-21"}, {"tables": ("ticker",)}, {}])
def test_what_the_store_has_stays_known(tmp_path: Path, changes: dict[str, Any]) -> None:
    make_cursor(tmp_path, tables=("ticker", "trades")).move(A, 7)
    cursor = make_cursor(tmp_path, **{"tables": ("trades",), **changes})
    assert 7 == cursor.next(A)


def test_another_store_begins_where_the_first_one_did(tmp_path: Path) -> None:
    make_cursor(tmp_path, begin="").save()
    assert TODAY == make_cursor(tmp_path, "2026-12-24", begin="", url="http://127.0.0.1/b").begin


def test_a_later_date_is_where_it_begins(tmp_path: Path) -> None:
    make_cursor(tmp_path).save()
    assert "2026-11-25" == make_cursor(tmp_path, begin="2026-11-25").begin


def test_sessions_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    cursor = make_cursor(tmp_path)
    cursor.move(A, 7)
    cursor.move(B, 7)
    cursor.forget({B})
    cursor.save()
    again = make_cursor(tmp_path)
    assert (0, 7) == (again.next(A), again.next(B))


def test_the_file_holds_no_secret(tmp_path: Path) -> None:
    make_cursor(tmp_path).save()
    assert "hush" not in (tmp_path / "sinks" / "x.json").read_text()


@pytest.mark.parametrize("text", ["", "{", '{"version":1}', "[]"])
def test_a_file_that_is_none_of_ours_is_the_operator_s_to_decide(tmp_path: Path, text: str) -> None:
    make_cursor(tmp_path).save()
    (tmp_path / "sinks" / "x.json").write_text(text)
    with pytest.raises(ConfigError, match="remove it, and set `begin`"):
        make_cursor(tmp_path)


def test_a_file_of_a_newer_release_is_not_guessed_at(tmp_path: Path) -> None:
    make_cursor(tmp_path).save()
    path = tmp_path / "sinks" / "x.json"
    path.write_text(path.read_text().replace('"version":1', '"version":2'))
    with pytest.raises(ConfigError, match="it has version 2"):
        make_cursor(tmp_path)
