"""Describes a command: its name, its arguments, an example, its function."""

import argparse
from argparse import Namespace
from collections.abc import Callable
from datetime import date
from typing import Final, NoReturn

from msgspec import Struct
from typing_extensions import override

USAGE_STATUS: Final = 2  # argparse's own


class Parser(argparse.ArgumentParser):
    """Answers wrong usage in one line."""

    @override
    def error(self, message: str) -> NoReturn:
        self.exit(USAGE_STATUS, f"{self.prog}: {message}; see {self.prog} --help\n")


def _add_none(_: Parser) -> None:
    """Add no argument."""


class Command(Struct, frozen=True, kw_only=True):
    """One command of `booktape`; `run` returns its exit status and may raise `BooktapeError`.

    If it `explains_itself`, `run` gets everything after its name as `arguments`.
    """

    name: str
    summary: str  # in small letters, without a full stop: the list of commands shows it
    example: str
    run: Callable[[Namespace], int]
    add_arguments: Callable[[Parser], None] = _add_none
    explains_itself: bool = False


def positive(text: str) -> float:
    """Parse an argument that takes a number above 0."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"takes a number above 0, not {text}")
    return number


def count(text: str) -> int:
    """Parse an argument that takes a whole number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"takes a whole number from 1, not {text}")
    return number


def day(text: str) -> date:
    """Parse an argument that takes a UTC date."""
    return date.fromisoformat(text)


# argparse says "invalid number value".
positive.__name__ = "number"
count.__name__ = "whole number"
day.__name__ = "date"
