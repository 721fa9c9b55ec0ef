"""Finds on disk which sessions have events left that the writer has not committed."""

import re
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from booktape.errors import UNDECODABLE

_MANIFEST: Final = ".json"
_NAME: Final = re.compile(r"(.+)-\d+-(\d+)\.json")  # of the spool: session, first, last


class _Session(Struct):
    """The writer's record of a session, without the fields that nobody needs here."""

    next: int
    end: int | None = None


def find_delivered(sessions: Path, spool: Path) -> set[str]:
    """Return each session that is committed to its end.

    A session's file names the first event that was not yet committed when the store had its last
    flush, and its end once the writer knows it; the manifests in the spool reach further.
    """
    reached: dict[str, int] = {}
    for path in spool.glob(f"*{_MANIFEST}"):
        name = _NAME.fullmatch(path.name)
        if name:
            reached[name[1]] = max(reached.get(name[1], 0), int(name[2]) + 1)
    delivered = set()
    for path in sessions.glob(f"*{_MANIFEST}"):
        session, known = path.name.removesuffix(_MANIFEST), _read(path)
        committed = max(known.next, reached.get(session, 0)) if known else 0
        if known and known.end is not None and committed >= known.end:
            delivered.add(session)
    return delivered


def _read(path: Path) -> _Session | None:
    try:
        return _decoder.decode(path.read_bytes())
    except (OSError, *UNDECODABLE):
        return None


_decoder = msgspec.json.Decoder(_Session)
