import pytest

from services.operator.probe.table import (
    EXAMPLE_CHARACTERS_MAX,
    EXAMPLES_MAX,
    Assumption,
    AssumptionTable,
    JudgedRow,
    Verdict,
    exit_status,
    format_rows,
)

ALWAYS = Assumption("X1", "it holds", "things", enough=2)
MOSTLY = Assumption("X2", "it holds nearly always", "things", enough=10, share=0.9)
RARE = Assumption("X3", "it holds where it is seen", "things", is_rare=True)


@pytest.fixture
def table() -> AssumptionTable:
    return AssumptionTable([ALWAYS, MOSTLY, RARE])


def verdicts(table: AssumptionTable) -> list[Verdict]:
    return [row.verdict for row in table.rows()]


def test_nothing_is_believed_unseen(table: AssumptionTable) -> None:
    assert ["not seen"] * 3 == verdicts(table)
    assert ["0 things"] * 3 == [row.seen for row in table.rows()]


def test_what_was_seen_often_enough_is_confirmed(table: AssumptionTable) -> None:
    table.agree("X1")
    assert "not seen" == verdicts(table)[0]
    table.judge("X1", "", holds=True)
    assert ["CONFIRMED", "not seen", "not seen"] == verdicts(table)
    assert "2 things, 0 differ" == table.rows()[0].seen


def test_once_is_enough_to_refute(table: AssumptionTable) -> None:
    table.agree("X1", 1000)
    table.judge("X1", "a thing that does not", holds=False)
    row = table.rows()[0]
    assert ("REFUTED", ("a thing that does not",)) == (row.verdict, row.examples)
    assert "1,001 things, 1 differ" == row.seen


def test_where_a_share_is_enough_a_few_may_differ(table: AssumptionTable) -> None:
    table.agree("X2", 8)
    table.differ("X2", "")
    assert "not seen" == verdicts(table)[1]
    table.agree("X2")
    assert "CONFIRMED" == verdicts(table)[1]
    table.differ("X2", "")
    assert "REFUTED" == verdicts(table)[1]


def test_the_first_examples_are_kept_and_cut(table: AssumptionTable) -> None:
    for number in range(10):
        table.differ("X1", f"{number}" * 1000)
    examples = table.rows()[0].examples
    assert EXAMPLES_MAX == len(examples)
    assert "0" * EXAMPLE_CHARACTERS_MAX == examples[0]


def test_a_note_takes_the_place_of_an_earlier_one(table: AssumptionTable) -> None:
    table.agree("X1")
    table.note("X1", "early")
    table.note("X1", "late")
    assert "1 things, late, 0 differ" == table.rows()[0].seen


def test_two_assumptions_of_one_name_are_a_fault() -> None:
    with pytest.raises(AssertionError):
        AssumptionTable([ALWAYS, ALWAYS])


def row(verdict: Verdict, assumption: Assumption = ALWAYS) -> JudgedRow:
    return JudgedRow(assumption, "seen", verdict, ("an example",) if verdict == "REFUTED" else ())


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([row("CONFIRMED")], 0),
        ([row("CONFIRMED"), row("not seen", RARE)], 0),
        ([row("CONFIRMED"), row("not seen")], 2),
        ([row("not seen"), row("REFUTED", RARE)], 1),
    ],
)
def test_the_exit_status_is_that_of_the_worst_row(rows: list[JudgedRow], status: int) -> None:
    assert status == exit_status(rows)


def test_the_table_is_text_in_columns() -> None:
    text = format_rows([row("CONFIRMED"), row("REFUTED", MOSTLY)])
    assert text.split("\n") == [
        "X1   it holds                seen: seen  CONFIRMED",
        "X2   it holds nearly always  seen: seen  REFUTED",
        "       an example",
    ]
