"""Collects the small tapes: each a case that breaks a reader that takes a rule for granted."""

from typing import Final

from tests.support.tapes_of_ends import TAPES_OF_ENDS
from tests.support.tapes_of_lines import TAPES_OF_LINES
from tests.support.tapes_of_spans import TAPES_OF_SPANS
from tests.support.tapes_of_trades import TAPES_OF_TRADES

SMALL_TAPES: Final[dict[str, str]] = {
    **TAPES_OF_SPANS,
    **TAPES_OF_ENDS,
    **TAPES_OF_LINES,
    **TAPES_OF_TRADES,
}
