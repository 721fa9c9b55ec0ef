from services.operator.probe.digits import Digits
from services.operator.probe.table import Assumption, AssumptionTable


def judge(*texts: str) -> tuple[str, str]:
    table = AssumptionTable([Assumption("D", "", "numbers")])
    digits = Digits(table, "D")
    digits.see(*texts)
    digits.finish()
    return table.rows()[0].verdict, table.rows()[0].seen


def test_fifteen_digits_are_kept() -> None:
    verdict, seen = judge("123456789012345", "0.000000000000001", "75516.00", "75516", "0")
    assert ("CONFIRMED", "5 numbers, at most 15 digits, 15 decimals, 0 differ") == (verdict, seen)


def test_what_float64_cannot_keep_is_found() -> None:
    verdict, seen = judge("0.12345678901234567891", "0.1")
    assert ("REFUTED", "2 numbers, at most 20 digits, 20 decimals, 1 differ") == (verdict, seen)


def test_a_number_that_comes_again_counts_again() -> None:
    assert judge("0.1", "0.1", "0.1")[1].startswith("3 numbers")


def test_without_a_number_there_is_no_note() -> None:
    assert ("not seen", "0 numbers") == judge()
