"""The command `sample`: writes a small tape to read."""

from argparse import Namespace
from pathlib import Path
from typing import Final

from booktape.commands.command import Command, Parser


def run(folder: Path) -> int:
    """Write the sample into a new folder; print its content and the next commands."""
    from booktape.sample.tape import write_sample

    sessions = write_sample(folder)
    print(f"{folder}: five minutes of two exchanges in {len(sessions)} sessions, made by code")
    print(f"  prove it:  booktape verify {folder}")
    print(f"  read it:   booktape top bitvavo:BTC-EUR --tape {folder} --every 10s")
    return 0


def _add_arguments(parser: Parser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new folder")


def _run(parsed: Namespace) -> int:
    return run(parsed.folder)


COMMAND: Final = Command(
    name="sample",
    summary="writes a small tape with gaps, two lines and an arbitrage, to try other commands on",
    example="booktape sample try",
    run=_run,
    add_arguments=_add_arguments,
)
