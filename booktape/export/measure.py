"""Measures numbers: their decimals, and the greatest step of which all are multiples."""

from decimal import Decimal
from fractions import Fraction
from math import gcd
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

_EXACT_MAX: Final = 2**53  # up to here a float holds each whole number
_DECIMALS_MAX: Final = 22  # up to here a float holds each power of ten


class Measure:
    """The decimals and the step of the numbers seen so far, by their shortest texts."""

    def __init__(self) -> None:
        self.decimals = 0
        self._step = Fraction(0)

    @property
    def step(self) -> str:
        """Return the step; 1 if all numbers were zeros."""
        step = self._step or Fraction(1)
        return f"{Decimal(step.numerator) / Decimal(step.denominator):f}"

    def add(self, values: pa.Array) -> None:
        """Look at some numbers."""
        rest = pc.unique(values.drop_null())
        rest = rest.filter(pc.not_equal(rest, 0.0))
        for decimals in range(_DECIMALS_MAX + 1):
            if not len(rest):
                return
            scale = pa.scalar(10.0**decimals)
            units = pc.round(pc.multiply(rest, scale))
            # The quotient is correctly rounded: it is the number if that has so few decimals.
            is_whole = pc.and_(
                pc.equal(pc.divide(units, scale), rest), pc.less(pc.abs(units), _EXACT_MAX)
            )
            found = units.filter(is_whole).cast(pa.int64())
            if len(found):
                self._join(decimals, Fraction(gcd(*found.to_pylist()), 10**decimals))
                rest = rest.filter(pc.invert(is_whole))
        for value in rest.to_pylist():
            number = Decimal(repr(value))
            _, _, exponent = number.as_tuple()
            self._join(max(0, -int(exponent)), Fraction(number))

    def _join(self, decimals: int, step: Fraction) -> None:
        self.decimals = max(self.decimals, decimals)
        one, other = self._step, step
        parts = one.denominator * other.denominator
        self._step = Fraction(
            gcd(one.numerator * other.denominator, other.numerator * one.denominator), parts
        )
