from collections.abc import Iterator

import pytest

from services.operator.probe.evaluation import COMMON, Evaluation
from services.operator.probe.facts import Fact
from services.operator.probe.levels import DecimalBook
from services.operator.probe.probing import Probing
from services.operator.probe.record import ProbeRecord
from services.operator.probe.steps import Step
from services.operator.probe.table import Assumption, AssumptionTable, JudgedRow
from tests.unit.services.operator.probe.test_first import EXCHANGE

OWN = Assumption("X", "", "facts")


class Reading:
    """A second reading that knows two words."""

    def __init__(self) -> None:
        self.books: dict[tuple[str, str], DecimalBook] = {}

    def see(self, record: ProbeRecord) -> Iterator[Fact]:
        if record.text == "book 5":
            book = DecimalBook()
            book.sequence = 5
            self.books["a", "X"] = book
        elif record.text == "unreadable":
            raise KeyError("market")
        yield Fact("said", record, body=record.text)


class Word:
    """A judge of its own row."""

    def __init__(self, table: AssumptionTable, reading: Reading) -> None:
        assert not reading.books
        self._table = table

    def see(self, fact: Fact) -> None:
        if fact.body == "unjudged":
            raise TypeError(fact.body)
        self._table.agree("X")

    def finish(self) -> None:
        self._table.note("X", "that is all")


def play(*_: object) -> Iterator[Step]:
    raise NotImplementedError


PROBING = Probing(
    assumptions=(OWN,), reading=Reading, judges=(Word,), script=play, pings="X", ping_s=50.0
)


def judge(*texts: str) -> dict[str, JudgedRow]:
    evaluation = Evaluation(EXCHANGE, PROBING)
    for text in texts:
        evaluation.see(ProbeRecord(ts=0, door="a", kind="text", text=text))
    return {row.assumption.id: row for row in evaluation.rows()}


def test_the_table_has_the_exchanges_own_rows_and_those_of_all() -> None:
    assert ["X", *(one.id for one in COMMON)] == list(judge())


def test_each_record_is_read_twice_and_judged() -> None:
    rows = judge("ping", "5")
    assert "2 facts, that is all, 0 differ" == rows["X"].seen
    assert rows["P1"].seen == rows["P4"].seen == "2 messages, 0 differ"


@pytest.mark.parametrize(("text", "facts"), [("unreadable", 1), ("unjudged", 1)])
def test_what_the_second_reading_cannot_read_is_counted_and_the_rest_goes_on(
    text: str, facts: int
) -> None:
    rows = judge(text, "ping")
    assert "REFUTED" == rows["P4"].verdict
    assert rows["P4"].examples[0].endswith(f": {text}")
    assert rows["X"].seen.startswith(f"{facts} facts")


def test_at_the_end_the_books_of_both_are_compared() -> None:
    rows = judge("book 5")
    assert ("X on a, bids 9.0: 1.0 for None", "X on a, asks 11.0: 1.0 for None") == rows[
        "P3"
    ].examples
