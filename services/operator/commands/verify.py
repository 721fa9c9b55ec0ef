"""The proof of a tape, on a terminal or for programs."""

import sys
from datetime import date
from pathlib import Path

from msgspec import ValidationError, convert, to_builtins

from booktape.errors import StoreError, TapeError
from booktape.proof.verify import format_report, verify
from booktape.store.opening import open_store
from booktape.store.storage import Storage
from services.operator.commands.bar import Bar
from shared.errors import ConfigError
from shared.process.settings import Settings

WHOLE, NOT_WHOLE, UNREADABLE = 0, 1, 2


def run(settings: Settings, url: str | None, *, date: date | None, as_json: bool) -> int:
    """Re-read the tape and print what it proves; return 0 whole, 1 not whole, 2 unreadable."""
    storage = find_storage(settings.storage, url)
    try:
        with Bar(sys.stderr) as bar:
            report = verify(open_store(storage), date=date, progress=bar.show)
    except (StoreError, TapeError) as error:
        print(f"booktape: {storage.url} is unreadable: {error}", file=sys.stderr)
        return UNREADABLE
    if not (report.sessions or report.pending or report.expired or report.faults):
        what = "no tape" if date is None else f"nothing of {date}"
        print(f"booktape: {storage.url} holds {what}", file=sys.stderr)
        return UNREADABLE
    print(report.to_json() if as_json else format_report(report))
    return WHOLE if report.ok else NOT_WHOLE


def find_storage(storage: Storage, url: str | None) -> Storage:
    """Return the store of this URL, else the configured one; paths start at the current folder."""
    if url is None:
        return storage
    try:
        given = convert({**to_builtins(storage), "url": url}, Storage)
    except ValidationError:
        raise ConfigError([f'{url!r}: takes "file:<folder>" or "s3://<bucket>/<prefix>"']) from None
    if not url.startswith("file:"):
        return given
    return convert(
        {**to_builtins(given), "url": f"file:{Path(url.removeprefix('file:')).absolute()}"}, Storage
    )
