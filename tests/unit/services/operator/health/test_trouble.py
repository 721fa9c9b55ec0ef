"""One trouble, for a person and for a program."""

from services.operator.health.trouble import trouble_of
from tests.support.healths import make_feed


def test_a_trouble_is_a_sentence_with_its_remedy() -> None:
    trouble = trouble_of(make_feed(), "stopped", "it was stopped", "start it")
    assert "it was stopped; start it" == trouble.sentence
    assert ("ingest_bitvavo-a", "bitvavo") == (trouble.process, trouble.exchange)
