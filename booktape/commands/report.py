"""The command `report`: writes a page that shows some days of a tape."""

import datetime as dt
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from booktape.commands.command import Command, Parser, day
from booktape.commands.location import find_storage
from booktape.commands.spread import fee
from booktape.errors import BooktapeError, NotATape, StoreError

if TYPE_CHECKING:
    from booktape.answers.reading import Reading
    from booktape.report.chart import Premium

DONE, UNREADABLE = 0, 2
EVERY: Final = "1m"


def run(parsed: Namespace) -> int:
    """Write the page; return 0, 2 where the tape cannot be read."""
    from booktape.opening import open_reading
    from booktape.report.facts import find_days
    from booktape.report.page import make_page

    storage = find_storage(parsed.url or parsed.tape, os.environ, Path.cwd())
    try:
        reading = open_reading(
            storage.url, region=storage.region, endpoint_url=storage.endpoint_url
        )
        first, last = _find_span(parsed, reading)
        days = find_days(reading.ledger, first, last)
        if not any(reading.ledger.certificate(day.exchange, day.date) for day in days):
            print(f"booktape: no day from {first} to {last} is certified", file=sys.stderr)
        page = make_page(days, _find_premium(parsed, reading, first, last), tape=storage.url)
    except (NotATape, StoreError) as error:
        print(f"booktape: {storage.url} is unreadable: {error}", file=sys.stderr)
        return UNREADABLE
    except ValueError as error:
        raise BooktapeError(str(error)) from None
    out = Path(parsed.out or f"report-{last}.html")
    try:
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise BooktapeError(f"cannot write {out}: {error.strerror}") from None
    print(f"{out}: {first} to {last}, {len(page.encode()) / 1000:,.0f} kB")
    return DONE


def _find_span(parsed: Namespace, reading: "Reading") -> tuple[str, str]:
    """Return the first and the last date: what is asked for, else the last day of the tape."""
    if parsed.date and (parsed.start or parsed.end):
        raise BooktapeError("--date takes the place of --start and --end")
    dates = sorted({date for e in reading.ledger.exchanges for date in reading.ledger.dates(e)})
    first = parsed.date or parsed.start
    last = parsed.date or parsed.end
    first_date = first.isoformat() if first else dates[0] if last else dates[-1]
    last_date = last.isoformat() if last else dates[-1]
    if first_date > last_date or not any(first_date <= date <= last_date for date in dates):
        raise BooktapeError(
            f"no rows from {first_date} to {last_date}; there are {dates[0]} to {dates[-1]}"
        )
    return first_date, last_date


def _find_premium(parsed: Namespace, reading: "Reading", first: str, last: str) -> "Premium | None":
    if not parsed.spread:
        return None
    from booktape.report.chart import read_premium
    from booktape.tape import Tape

    if len(parsed.spread) not in {2, 4}:
        raise BooktapeError("--spread takes A B, or A B and one currency in both of their quotes")
    a, b, *via = parsed.spread
    scan = Tape(reading).spread(
        a,
        b,
        dt.date.fromisoformat(first),
        dt.date.fromisoformat(last) + dt.timedelta(days=1),
        via=(via[0], via[1]) if via else None,
        fees=dict(parsed.fee or ()),
        every=parsed.every,
        depth=1,
    )
    return read_premium(a, b, scan.batches())


def _add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "url", nargs="?", metavar="URL", help="a folder, file:<folder> or s3://... ([storage] url)"
    )
    parser.add_argument("--tape", metavar="URL", help="the same, as other commands take it")
    parser.add_argument("--date", type=day, metavar="D", help="one UTC day (the tape's last one)")
    parser.add_argument("--start", type=day, metavar="D", help="the first day of several")
    parser.add_argument("--end", type=day, metavar="D", help="the last day of several")
    parser.add_argument("--out", metavar="FILE", help="the page (report-<date>.html)")
    parser.add_argument(
        "--spread",
        nargs="+",
        metavar="M",
        help="a chart: bitvavo:BTC-EUR btcturk:BTC-TRY bitvavo:USDT-EUR btcturk:USDT-TRY",
    )
    parser.add_argument(
        "--fee", type=fee, nargs="+", action="extend", metavar="E=F", help="bitvavo=0.0025"
    )
    parser.add_argument("--every", default=EVERY, metavar="D", help=f"of the chart ({EVERY})")


COMMAND: Final = Command(
    name="report",
    summary="writes a page that shows some days: their condition, coverage and why, the premium",
    example="booktape report try --date 2026-09-21 --out day.html",
    run=run,
    add_arguments=_add_arguments,
)
