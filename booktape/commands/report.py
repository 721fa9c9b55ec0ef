"""The command `report`: writes a page that shows some days of a tape."""

import os
import sys
import tempfile
import warnings
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from booktape.commands.bar import Bar
from booktape.commands.certify import default_folder
from booktape.commands.command import Command, Parser, day
from booktape.commands.location import find_storage
from booktape.commands.pair import find_pair
from booktape.commands.spread import fee
from booktape.errors import BooktapeError, NotATape, StoreError
from booktape.store.opening import open_store
from booktape.times import parse_every

if TYPE_CHECKING:
    from booktape.answers.reading import Reading
    from booktape.certificate import Certificate
    from booktape.report.making import Wishes
    from booktape.store.storage import Storage

DONE, UNREADABLE = 0, 2
DAYS_SEEN: Final = 7  # the last days in which to look for a certified one


def run(parsed: Namespace) -> int:
    """Write the page; return 0, or 2 if the tape is unreadable."""
    if parsed.put:  # beside a recorder, where nobody waits for it
        os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"
        from booktape.certify.bounds import bound_process

        bound_process()
    storage = find_storage(parsed.url or parsed.tape, os.environ, Path.cwd())
    try:
        with _quiet():
            return _put(parsed, storage) if parsed.put else _write(parsed, storage)
    except (NotATape, StoreError) as error:
        print(f"booktape: {storage.url} is unreadable: {error}", file=sys.stderr)
        return UNREADABLE
    except (ValueError, LookupError) as error:
        raise BooktapeError(str(error)) from None


def _write(parsed: Namespace, storage: "Storage") -> int:
    reading = _open(storage)
    first, last = _find_span(parsed, reading)
    text = _make(parsed, storage, reading, first, last)
    out = Path(parsed.out or f"report-{last}.html")
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BooktapeError(f"cannot write {out}: {error.strerror}") from None
    days = first if first == last else f"{first} to {last}"
    print(f"{out}: {days}, {len(text.encode()) / 1000:,.0f} kB")
    return DONE


def _put(parsed: Namespace, storage: "Storage") -> int:
    """Put the due reports beside the tape; days without a certificate get none."""
    from booktape.report.shelf import find_due

    try:
        store, reading = open_store(storage), _open(storage)
    except NotATape:  # the tape has no row yet
        print("No report is due.")
        return DONE
    count = 0
    for date, key in find_due(reading.ledger, store):
        text = _make(parsed, storage, reading, date, date)
        with tempfile.TemporaryDirectory(dir=_make_folder(parsed)) as folder:
            path = Path(folder) / "report.html"
            path.write_text(text, encoding="utf-8")
            store.put(path, key)
        print(f"{storage.url}/{key}: {len(text.encode()) / 1000:,.0f} kB", flush=True)
        count += 1
    if not count:
        print("No report is due.")
    return DONE


def _make(parsed: Namespace, storage: "Storage", reading: "Reading", first: str, last: str) -> str:
    from booktape.report.facts import find_days
    from booktape.report.making import gather
    from booktape.report.page import make_page

    with Bar(sys.stderr) as bar:
        add_up = None if parsed.put or parsed.certified else partial(_add_up, parsed, storage, bar)
        days = find_days(reading.ledger, first, last, add_up)
        contents = gather(reading, days, _find_wishes(parsed), tape=storage.url, progress=bar.show)
        return make_page(contents)


def _add_up(
    parsed: Namespace, storage: "Storage", bar: Bar, exchange: str, date: str
) -> "Certificate | None":
    """Return the figures of a day without a certificate; store nothing."""
    from booktape.certify.bounds import hold_folder
    from booktape.certify.certifying import draft
    from booktape.certify.days import Days
    from booktape.ledger import Ledger

    store = open_store(storage)
    try:
        plan = Days(store, Ledger(store, storage.url, certified=False)).plan(
            exchange, date, clock_ns=None
        )
        if plan is None:
            return None
        name = f"report-{os.getpid()}-{exchange}-{date}"
        with hold_folder(_make_folder(parsed), name) as folder:
            return draft(store, storage.url, plan, folder, bar.show)
    except (NotATape, StoreError):
        raise
    except BooktapeError as error:
        print(f"booktape: {exchange} {date} is shown without figures: {error}", file=sys.stderr)
        return None


def _make_folder(parsed: Namespace) -> Path:
    folder = Path(parsed.temp) if parsed.temp else default_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _open(storage: "Storage") -> "Reading":
    from booktape.opening import open_reading

    return open_reading(storage.url, region=storage.region, endpoint_url=storage.endpoint_url)


def _find_span(parsed: Namespace, reading: "Reading") -> tuple[str, str]:
    """Return the first and the last date: the given ones, else the last certified day.

    Without a certified day, return the tape's last day.
    """
    if parsed.date and (parsed.start or parsed.end):
        raise BooktapeError("--date takes the place of --start and --end")
    dates = sorted({date for e in reading.ledger.exchanges for date in reading.ledger.dates(e)})
    first = parsed.date or parsed.start
    last = parsed.date or parsed.end
    if first is None and last is None:
        day = _find_certified(reading) or dates[-1]
        return day, day
    first_date = first.isoformat() if first else dates[0]
    last_date = last.isoformat() if last else dates[-1]
    if first_date > last_date or not any(first_date <= date <= last_date for date in dates):
        raise BooktapeError(
            f"no rows from {first_date} to {last_date}; there are {dates[0]} to {dates[-1]}"
        )
    return first_date, last_date


def _find_certified(reading: "Reading") -> str | None:
    """Return the last date with a certificate of any exchange, among the last `DAYS_SEEN`."""
    ledger = reading.ledger
    places = [(date, name) for name in ledger.exchanges for date in ledger.dates(name)[-DAYS_SEEN:]]
    found = (date for date, name in sorted(places, reverse=True) if ledger.certificate(name, date))
    return next(found, None)


def _find_wishes(parsed: Namespace) -> "Wishes":
    """Return the markets to draw: the given ones, else the pair of the configuration."""
    from booktape.report.making import Wishes, check_markets
    from booktape.report.quotes import TICKERS

    asked = list(parsed.spread or ())
    check_markets(asked)
    return Wishes(
        markets=asked or find_pair(os.environ, Path.cwd()),
        fees=dict(parsed.fee or ()),
        every=None if parsed.every is None else parse_every(parsed.every),
        source=parsed.source or (TICKERS if parsed.put else None),
        are_asked=bool(asked),
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the warning of a missing engine: the page names its source."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="replaying without the compiled engine")
        yield


def _add_arguments(parser: Parser) -> None:
    parser.add_argument(
        "url", nargs="?", metavar="URL", help="a folder, file:<folder> or s3://... ([storage] url)"
    )
    parser.add_argument("--tape", metavar="URL", help="the same, as other commands take it")
    parser.add_argument(
        "--date",
        type=day,
        metavar="D",
        help="one UTC day (the last certified one, else the last)",
    )
    parser.add_argument("--start", type=day, metavar="D", help="the first day of several")
    parser.add_argument("--end", type=day, metavar="D", help="the last day of several")
    parser.add_argument("--out", metavar="FILE", help="the page (report-<date>.html)")
    parser.add_argument(
        "--put",
        action="store_true",
        help="puts one page beside the tape for each certified day of the last seven",
    )
    parser.add_argument(
        "--certified", action="store_true", help="adds up no day that has no certificate"
    )
    parser.add_argument(
        "--spread",
        nargs="+",
        metavar="M",
        help="bitvavo:BTC-EUR btcturk:BTC-TRY bitvavo:USDT-EUR btcturk:USDT-TRY "
        "([dashboard] spread)",
    )
    parser.add_argument(
        "--fee", type=fee, nargs="+", action="extend", metavar="E=F", help="bitvavo=0.0025 (none)"
    )
    parser.add_argument("--every", metavar="D", help="of the lines, 1s (by the span)")
    parser.add_argument(
        "--source",
        choices=("books", "tickers"),
        help="of prices (books if numba is installed; else, and with --put, tickers)",
    )
    parser.add_argument("--temp", metavar="DIR", help="a folder to add up an uncertified day in")


COMMAND: Final = Command(
    name="report",
    summary="writes a page that shows some days: condition, coverage, causes of gaps, premium",
    example="booktape report try --date 2026-09-21 --out day.html",
    run=run,
    add_arguments=_add_arguments,
)
