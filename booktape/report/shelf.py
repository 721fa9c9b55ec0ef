"""Names the shelf of a tape: the reports beside the tape, one of each certified day."""

from collections.abc import Iterator
from typing import Final

from booktape.ledger import Ledger
from booktape.store.protocol import Store

REPORTS: Final = "reports/"
DAYS_MAX: Final = 7  # only the last days get reports


def report_key(date: str, revision: int) -> str:
    """Return the key of a day's report; each new report has the next revision."""
    return f"{REPORTS}report-{date}{f'-rev{revision}' if revision else ''}.html"


def find_due(ledger: Ledger, store: Store) -> Iterator[tuple[str, str]]:
    """Yield each of the last days that is certified for all exchanges and has no report; its key.

    A new revision of a certificate makes a new report: objects never change.
    """
    dates = sorted({date for name in ledger.exchanges for date in ledger.dates(name)})
    for date in dates[-DAYS_MAX:]:
        there = [name for name in ledger.exchanges if date in ledger.dates(name)]
        found = [ledger.certificate(name, date) for name in there]
        certificates = [certificate for certificate in found if certificate is not None]
        if len(certificates) < len(found):
            continue
        key = report_key(date, sum(certificate.revision for certificate in certificates))
        if store.head(key) is None:
            yield date, key
