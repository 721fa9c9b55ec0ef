"""Lists the objects of a tape: all, or those that the proof of one date needs."""

from collections import defaultdict
from itertools import chain

import msgspec
from msgspec import Struct, field

from booktape.errors import TapeError
from booktape.keys import LEDGER, TAPE, Key, parse_key
from booktape.store.protocol import Store


class TapeListing(Struct):
    """The objects of the tape by their keys; an orphan is a segment without a manifest."""

    date: str | None  # the date to read; `None`: all
    manifests: dict[str, list[Key]] = field(default_factory=lambda: defaultdict(list))
    segments: dict[str, int] = field(default_factory=dict)  # key -> bytes
    orphans: dict[str, list[Key]] = field(default_factory=lambda: defaultdict(list))
    foreign: list[str] = field(default_factory=list)
    # The first and the last manifest of each session on each date that is not read.
    edges: dict[tuple[str, str], tuple[Key, Key]] = field(default_factory=dict)

    def keep_edge(self, key: Key) -> None:
        """Remember a manifest of another date only if it is its session's first or last there.

        So the proof of a date takes the same memory, however old the tape is.
        """
        place = key.session, key.date
        first, last = self.edges.get(place, (key, key))
        self.edges[place] = min(first, key, key=_by_number), max(last, key, key=_by_number)

    def is_read(self, key: Key) -> bool:
        """Return whether the object is of the date."""
        return self.date in {None, key.date}


def list_tape(store: Store, date: str | None) -> TapeListing:
    """List the ledger first, because the writer stores a manifest after its segments."""
    listing = TapeListing(date)
    known = set()
    for info in chain(store.list(LEDGER), *map(store.list, _tape_prefixes(store, date))):
        try:
            key = parse_key(info.key)
        except TapeError:
            listing.foreign.append(info.key)
            continue
        if key.table is None and not listing.is_read(key):
            listing.keep_edge(key)
        elif key.table is None:
            listing.manifests[key.session].append(key)
            known.add(key)
        elif listing.is_read(key):
            listing.segments[info.key] = info.bytes
            if msgspec.structs.replace(key, table=None) not in known:
                listing.orphans[key.session].append(key)
    for (session, _), edges in listing.edges.items():
        listing.manifests[session] += dict.fromkeys(edges)
    return listing


def _tape_prefixes(store: Store, date: str | None) -> list[str]:
    """Return the prefixes of the segments to list."""
    if date is None:
        return [TAPE]
    tables = [f"{TAPE}{table}/" for table in store.folders(TAPE)]
    exchanges = [f"{table}{name}/" for table in tables for name in store.folders(table)]
    return [f"{exchange}date={date}/" for exchange in exchanges]


def _by_number(key: Key) -> tuple[int, int]:
    return key.first, key.last
