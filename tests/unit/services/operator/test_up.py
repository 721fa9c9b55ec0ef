import pytest
from msgspec.structs import replace

from services.operator.up import format_left, say
from tests.unit.services.operator.making import make_health, make_journal


def test_nothing_is_left_when_the_writer_has_every_end() -> None:
    delivered = replace(make_journal(), is_delivered=True)
    expected = "drained: all of it is in the store"
    assert expected == format_left(make_health(journals=[delivered]))


def test_what_is_left_is_counted() -> None:
    health = replace(
        make_health(journals=[make_journal(), make_journal("btcturk")]),
        spool_bytes=7_000_000,
        spool_flushes=3,
    )
    expected = "left for the next start: 2.4 MB in 2 journals, 7 MB in 3 flushes in the spool"
    assert expected == format_left(health)


def test_what_is_said_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    say("hello")
    assert "hello\n" == capsys.readouterr().out
