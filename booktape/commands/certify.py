"""The command `certify`: writes each past day into one file per table, and a certificate."""

import json
import os
import sys
import tempfile
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from booktape.commands.bar import Bar
from booktape.commands.command import Command, Parser, day
from booktape.commands.location import find_storage
from booktape.errors import NotATape, StoreError
from booktape.store.opening import open_store

if TYPE_CHECKING:
    from booktape.certify.passing import DayResult

DONE, FAILED, UNREADABLE = 0, 1, 2


def default_folder() -> Path:
    """Return the folder for a day's files before they are put."""
    return Path(tempfile.gettempdir()) / f"booktape-certify-{os.getuid()}"


def run(parsed: Namespace) -> int:
    """Certify the days asked for; return 0 if none failed, 1 if one did, 2 if unreadable."""
    # Set this before Arrow loads: its own pool would reserve a gigabyte, which counts as memory.
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"
    from booktape.certify.bounds import bound_process
    from booktape.certify.passing import Wanted, certify_days

    bound_process()
    storage = find_storage(parsed.url or parsed.tape, os.environ, Path.cwd())
    wanted = Wanted(parsed.exchange, parsed.date and parsed.date.isoformat())
    temporary = Path(parsed.temp) if parsed.temp else default_folder()
    status, count = DONE, 0
    said = []
    try:
        with Bar(sys.stderr) as bar:
            results = certify_days(
                open_store(storage),
                storage.url,
                wanted,
                temporary,
                clock_ns=time.time_ns,
                progress=bar.show,
            )
            for result in results:
                count += result.certificate is not None
                is_asked = parsed.date is not None and result.not_over is not None
                if result.fault is not None or is_asked:
                    status = FAILED
                if parsed.json:
                    said.append(_describe(result))
                else:
                    _say(result)
    except (NotATape, StoreError) as error:
        if parsed.json and isinstance(error, NotATape):  # nothing is recorded yet: no day is due
            print("[]")
        print(f"booktape: {storage.url} is unreadable: {error}", file=sys.stderr)
        return UNREADABLE
    if parsed.json:
        print(json.dumps(said))
    elif not count and status == DONE:
        print("Nothing to certify.")
    return status


def _describe(result: "DayResult") -> dict[str, str | None]:
    return {
        "exchange": result.exchange,
        "date": result.date,
        "condition": result.certificate.condition if result.certificate else None,
        "not_over": result.not_over,
        "fault": result.fault,
    }


def _say(result: "DayResult") -> None:
    certificate = result.certificate
    if certificate is None:
        print(f"booktape: {result.fault or result.not_over}", file=sys.stderr)
        return
    files = [file for file in certificate.files if file.revision == certificate.revision]
    rows, size = sum(file.rows for file in files), sum(file.bytes for file in files)
    print(
        f"{result.exchange} {result.date}: certified, revision {certificate.revision}, "
        f"{certificate.condition}; {rows:,} rows in {size / 1e6:,.1f} MB",
        flush=True,
    )


def _add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "url", nargs="?", metavar="URL", help="a folder, file:<folder> or s3://... ([storage] url)"
    )
    parser.add_argument("--tape", metavar="URL", help="the same, as other commands take it")
    parser.add_argument("--exchange", metavar="E", help="one exchange (all)")
    parser.add_argument("--date", type=day, metavar="D", help="one UTC day, 2026-09-21 (all)")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument(
        "--temp", metavar="DIR", help="a folder for a day's files, with room for twice its size"
    )


COMMAND: Final = Command(
    name="certify",
    summary="writes past days into one file per table, and certificates that prove them",
    example="booktape certify s3://bucket/prefix --exchange bitvavo --date 2026-09-21",
    run=run,
    add_arguments=_add_arguments,
)
