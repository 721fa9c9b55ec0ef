"""The main entry of `booktape`: runs one command of the library or of another distribution."""

import argparse
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import entry_points
from io import TextIOWrapper
from typing import Final

from booktape.commands import (
    certify,
    coverage,
    export,
    listing,
    report,
    sample,
    spread,
    top,
    verify,
)
from booktape.commands.command import Command, Parser
from booktape.errors import BooktapeError
from booktape.release import WRITER

# Each entry point of the group is a function that returns a list of `Command`.
GROUP: Final = "booktape.commands"
OWN: Final = (
    verify.COMMAND,
    certify.COMMAND,
    report.COMMAND,
    top.COMMAND,
    coverage.COMMAND,
    spread.COMMAND,
    export.COMMAND,
    listing.SYMBOLS,
    listing.SESSIONS,
    sample.COMMAND,
)
FAULT_STATUS: Final = 1
INTERRUPTED_STATUS: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # its encoding may lack letters of a path
            stream.reconfigure(errors="backslashreplace")
    arguments = sys.argv[1:] if arguments is None else arguments
    commands = {command.name: command for command in find_commands()}
    named = commands.get(arguments[0]) if arguments else None
    if named and named.explains_itself:
        parsed = Namespace(arguments=list(arguments[1:]))
    else:
        parsed, unknown = build_parser(list(commands.values())).parse_known_args(arguments)
        if unknown:  # argparse would name no command
            name = f"booktape {parsed.command}"
            Parser(prog=name).error(f"unrecognized arguments: {' '.join(unknown)}")
        named = commands[parsed.command]
    return guard(partial(named.run, parsed), complain=_complain)


def find_commands() -> list[Command]:
    """Return the library's commands, then those of other distributions."""
    found = list(OWN)
    for entry in entry_points(group=GROUP):
        found += entry.load()()
    return found


def build_parser(commands: Sequence[Command]) -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="booktape",
        description="Records and reads order books as Parquet that proves itself whole.",
        epilog="Each command explains itself: booktape verify --help",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=WRITER)
    subparsers = parser.add_subparsers(dest="command", metavar="<command>", required=True)
    for command in commands:
        own: Parser = subparsers.add_parser(
            command.name,
            help=command.summary,
            description=f"{command.summary[0].upper()}{command.summary[1:]}.",
            epilog=f"example:\n  {command.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.add_arguments(own)
    return parser


def guard(run: Callable[[], int], *, complain: Callable[[str], None]) -> int:
    """Return the exit status of a run; report each line of its error by `complain`."""
    try:
        return run()
    except BooktapeError as error:
        for line in str(error).splitlines():
            complain(line)
        return error.exit_status
    except BrokenPipeError:  # the reader of our output has enough: `booktape verify | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAULT_STATUS
    except OSError as error:  # a forbidden folder, a full disk
        complain(f"{error.strerror}: {error.filename}" if error.filename else str(error))
        return FAULT_STATUS
    except KeyboardInterrupt:
        return INTERRUPTED_STATUS


def _complain(line: str) -> None:
    print(f"booktape: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
