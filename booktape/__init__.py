"""Read order books of crypto exchanges from a tape that proves itself whole."""

from typing import Final

__version__: Final = "0.1.0"
