"""Finds the place of a session's first flush from a time on, with few requests for manifests."""

from collections.abc import Callable, Sequence
from typing import Final

from booktape.flush import Flush
from booktape.keys import Key
from booktape.ledger import Ledger

PROBES: Final = 4  # manifests at once


def find_first(ledger: Ledger, keys: Sequence[Key], edge: Callable[[Flush], int], ts: int) -> int:
    """Return the first place whose edge, its first or last time, is not before a moment.

    If a manifest costs a request, look at few: times ascend from flush to flush, unless somebody
    sets the clock back by more than the length of a flush. Flushes are of about equal length, so
    begin with those around the place where the moment would then be.
    """
    if not ledger.is_far:
        flushes = ledger.read(keys)
        return next((n for n, flush in enumerate(flushes) if edge(flush) >= ts), len(flushes))
    low, high, guess = 0, len(keys), 0
    is_guess = high > PROBES
    if is_guess:
        first, last = (edge(flush) for flush in ledger.read([keys[0], keys[-1]]))
        if first >= ts or last < ts:
            return 0 if first >= ts else high
        low, high = 1, high - 1
        guess = low + (high - low) * (ts - first) // (last - first)
    while low < high:
        step = max((high - low) // (PROBES + 1), 1)
        places = list(range(low + step - 1, high, step))[:PROBES]
        if is_guess:
            begin = min(max(guess - PROBES // 2, low), high - 1)
            places, is_guess = list(range(begin, min(begin + PROBES, high))), False
        for place, flush in zip(places, ledger.read([keys[p] for p in places]), strict=True):
            if edge(flush) >= ts:
                high = place
                break
            low = place + 1
    return low
