"""The shelf of a tape: reports that lie beside it, one of each day that is certified."""

from collections.abc import Iterator
from typing import Final

from booktape.ledger import Ledger
from booktape.store.protocol import Store

REPORTS: Final = "reports/"
DAYS_MAX: Final = 7  # of the last ones a report is due


def report_key(date: str, revision: int) -> str:
    """Return the key of a day's report; a revision is one more than the report before it."""
    return f"{REPORTS}report-{date}{f'-rev{revision}' if revision else ''}.html"


def find_due(ledger: Ledger, store: Store) -> Iterator[tuple[str, str]]:
    """Yield the last days of which all exchanges are certified and no report is there; its key.

    A certificate that has another revision makes another report: no object is ever changed.
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
