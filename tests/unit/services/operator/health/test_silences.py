from pathlib import Path

import pytest

from services.operator.health.silences import (
    Silence,
    end_silence,
    find_silences,
    write_silence,
)
from shared.process.state import StateFolder

NOW = 1_800_000_000 * 10**9
UNTIL = Silence(exchange="bitvavo", until=NOW + 5, ts=NOW)


def test_it_is_there_until_its_end_and_ends_by_itself(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    assert [] == find_silences(state, NOW)
    write_silence(state, UNTIL)
    assert [UNTIL] == find_silences(state, NOW + 4)
    assert [] == find_silences(state, NOW + 5)


def test_the_last_word_counts_and_each_exchange_has_its_own(tmp_path: Path) -> None:
    state = StateFolder(tmp_path)
    later = Silence(exchange="bitvavo", until=NOW + 9, ts=NOW + 1)
    other = Silence(exchange="btcturk", until=NOW + 7, ts=NOW)
    for silence in (UNTIL, later, other):
        write_silence(state, silence)
    assert [later, other] == find_silences(state, NOW)
    end_silence(state, "bitvavo")
    assert [other] == find_silences(state, NOW)


def test_it_may_be_ended_where_there_is_none(tmp_path: Path) -> None:
    end_silence(StateFolder(tmp_path), "bitvavo")


@pytest.mark.parametrize("text", ["", "{", '{"exchange":"bitvavo"}'])
def test_a_file_that_nobody_can_read_silences_nothing(tmp_path: Path, text: str) -> None:
    state = StateFolder(tmp_path)
    write_silence(state, UNTIL)
    state.silence("bitvavo").write_text(text)
    assert [] == find_silences(state, NOW)
