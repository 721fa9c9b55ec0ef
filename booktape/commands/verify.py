"""The command `verify`: proves a tape, on a terminal or for programs."""

import os
import sys
from argparse import Namespace
from datetime import date
from pathlib import Path
from typing import Final

from booktape.commands.bar import Bar
from booktape.commands.command import Command, Parser, day
from booktape.commands.location import find_storage
from booktape.errors import StoreError, TapeError
from booktape.store.opening import open_store
from booktape.store.storage import Storage

WHOLE, NOT_WHOLE, UNREADABLE = 0, 1, 2


def run(storage: Storage, *, date: date | None, as_json: bool) -> int:
    """Read the tape again and print the proof; return 0 whole, 1 not whole, 2 unreadable."""
    from booktape.certify.proving import prove_certificates
    from booktape.proof.verify import format_report, verify

    store = open_store(storage)
    try:
        with Bar(sys.stderr) as bar:
            proof = prove_certificates(store, storage.url, date=date)
            report = verify(store, date=date, held=proof.held, progress=bar.show)
            proof.add_to(report)
    except (StoreError, TapeError) as error:
        print(f"booktape: {storage.url} is unreadable: {error}", file=sys.stderr)
        return UNREADABLE
    if not (report.sessions or report.pending or report.expired or report.faults):
        what = "no tape" if date is None else f"nothing of {date}"
        print(f"booktape: {storage.url} holds {what}", file=sys.stderr)
        return UNREADABLE
    print(report.to_json() if as_json else format_report(report))
    return WHOLE if report.ok else NOT_WHOLE


def _add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "url", nargs="?", metavar="URL", help="a folder, file:<folder> or s3://... ([storage] url)"
    )
    parser.add_argument(
        "--tape", dest="tape", metavar="URL", help="the same, as other commands take it"
    )
    parser.add_argument("--date", type=day, metavar="D", help="one UTC day, 2026-09-21")
    parser.add_argument("--json", action="store_true", help="for programs")


def _run(parsed: Namespace) -> int:
    storage = find_storage(parsed.url or parsed.tape, os.environ, Path.cwd())
    return run(storage, date=parsed.date, as_json=parsed.json)


COMMAND: Final = Command(
    name="verify",
    summary="proves a tape whole; exit status 0 whole, 1 not whole, 2 unreadable",
    example="booktape verify s3://bucket/prefix --date 2026-09-21",
    run=_run,
    add_arguments=_add_arguments,
)
