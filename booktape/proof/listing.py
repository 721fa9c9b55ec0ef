"""A listing of every object of a tape, sorted into what each is."""

from collections import defaultdict
from itertools import chain

import msgspec
from msgspec import Struct, field

from booktape.errors import TapeError
from booktape.keys import LEDGER, TAPE, Key, parse_key
from booktape.store.protocol import Store


class TapeListing(Struct):
    """Every object of the tape by its key; an orphan is a segment whose range has no manifest."""

    date: str | None  # that is read; `None`: all
    manifests: dict[str, list[Key]] = field(default_factory=lambda: defaultdict(list))
    segments: dict[str, int] = field(default_factory=dict)  # key -> bytes
    orphans: dict[str, list[Key]] = field(default_factory=lambda: defaultdict(list))
    foreign: list[str] = field(default_factory=list)

    def is_read(self, key: Key) -> bool:
        """Return whether the object is of the date."""
        return self.date in {None, key.date}


def list_objects(store: Store, date: str | None) -> TapeListing:
    """Return the objects of a date, or of all; the manifests of every date.

    The ledger is listed first: a manifest is stored after its segments.
    """
    listing = TapeListing(date)
    known = set()
    for info in chain(store.list(LEDGER), store.list(TAPE)):
        try:
            key = parse_key(info.key)
        except TapeError:
            listing.foreign.append(info.key)
            continue
        if key.table is None:
            listing.manifests[key.session].append(key)
            known.add(key)
        elif listing.is_read(key):
            listing.segments[info.key] = info.bytes
            if msgspec.structs.replace(key, table=None) not in known:
                listing.orphans[key.session].append(key)
    return listing
