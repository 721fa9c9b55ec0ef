"""Certifies whole tapes for tests."""

import shutil
from collections.abc import Callable
from pathlib import Path

from booktape.certificate import Certificate
from booktape.certify.bounds import clear_left, hold_folder
from booktape.certify.certifying import certify
from booktape.certify.days import Days
from booktape.ledger import Ledger
from booktape.store.folder import FolderStore

FAR_FUTURE_NS = 4_000_000_000_000_000_000


def certify_all(root: Path, temporary: Path, *, is_over: bool = False) -> list[Certificate]:
    """Certify each day that has no certificate, over or not; return the new certificates."""
    store = FolderStore(root)
    url = f"file:{root}"
    days = Days(store, Ledger(store, url, certified=False))
    made = []
    clear_left(temporary)
    for exchange in days.exchanges:
        for date in days.dates(exchange):
            plan = days.plan(exchange, date, clock_ns=FAR_FUTURE_NS if is_over else None)
            if plan is not None:
                with hold_folder(temporary, f"{exchange}-{date}") as folder:
                    made.append(certify(store, url, plan, folder, lambda _done, _total: None))
    return made


def leave_certified_alone(root: Path) -> None:
    """Remove all segments, as a lifecycle rule does: certified days alone have the rows."""
    shutil.rmtree(root / "tape")


def list_files(root: Path, below: str = "daily") -> dict[str, bytes]:
    """Return the files below a folder of the tape."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted((root / below).rglob("*"))
        if path.is_file()
    }


def edit_certificate(root: Path, change: Callable[[bytes], bytes]) -> None:
    """Change the bytes of the one certificate of a tape."""
    [path] = (root / "daily/certificates").rglob("*.json")
    path.write_bytes(change(path.read_bytes()))
