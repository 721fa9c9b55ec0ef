import random
from decimal import Decimal
from fractions import Fraction
from math import gcd, lcm

import pyarrow as pa
import pytest

from booktape.export.measure import Measure


def measure(*parts: list[float]) -> Measure:
    found = Measure()
    for part in parts:
        found.add(pa.array([*part, 0.0, None], pa.float64()))
    return found


@pytest.mark.parametrize(
    ("values", "step", "decimals"),
    [
        ([75490.6, 75491.0], "0.2", 1),
        ([100.0, 250.0], "50", 0),
        ([0.1, 0.25], "0.05", 2),
        ([], "1", 0),
        ([1e-8, 0.3], "0.00000001", 8),
        ([1e300], f"{1e300:.0f}"[:1] + "0" * 300, 0),
        ([1.2345678901234566e-7], "0.00000012345678901234566", 23),
    ],
)
def test_a_step_is_the_greatest_of_which_all_are_multiples(
    values: list[float], step: str, decimals: int
) -> None:
    found = measure(values)
    assert (step, decimals) == (found.step, found.decimals)


def test_it_is_what_the_shortest_texts_say_however_numbers_come() -> None:
    chance = random.Random(3)
    for _ in range(60):
        scale = chance.randrange(12)
        values = [chance.randrange(1, 10**9) * 6 / 10**scale for _ in range(chance.randrange(1, 9))]
        texts = [Decimal(repr(value)) for value in values]
        numbers = [Fraction(text) for text in texts]
        common = lcm(*(number.denominator for number in numbers))
        step = Fraction(gcd(*(int(number * common) for number in numbers)), common)
        decimals = max(0, *(-int(text.normalize().as_tuple().exponent) for text in texts))
        cut = chance.randrange(len(values))
        found = measure(values[:cut], values[cut:])
        assert (step, decimals) == (Fraction(found.step), found.decimals)
