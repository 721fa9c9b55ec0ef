"""Answers for one symbol's books: their levels at any time, from the spans of all sessions."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from tests.support.reference.spans import Change, Span

Side = list[tuple[float, float]]  # price and size, best first


class Book(Struct):
    """A book at a time; `last` is the newest row that took effect."""

    span: Span
    last: Change
    bids: Side
    asks: Side


class Interval(Struct, frozen=True):
    """A stretch of coverage; without a cause the book is known all through it."""

    start: int
    end: int
    cause: str | None


class Top(Struct):
    """The best levels at a time; without a book nothing was known."""

    ts: int
    book: Book | None
    bids: Side
    asks: Side

    @property
    def shown(self) -> tuple[bool, Side, Side]:
        """Return the parts in which a change must differ (R9): both sides, or their absence."""
        return self.book is not None, self.bids, self.asks


class Books:
    """One symbol of one exchange."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self.spans = list(spans)
        self._replays = [_Replay(span) for span in self.spans]

    def book_at(self, moment: int) -> Book | None:
        """Return the book at a time, or nothing where it is unknown."""
        replay = self._choose(moment)
        return None if replay is None else replay.book_at(moment)

    def cause_at(self, moment: int) -> str:
        """Return why the book is unknown (R10): the cause of the span that ended last."""
        ended = [span for span in self.spans if span.end <= moment]
        if not ended:
            return "unrecorded"
        return max(ended, key=lambda span: (span.end, span.session, span.first)).cause

    def coverage(self, start: int, end: int) -> list[Interval]:
        """Return touching intervals over the range, neighbours that agree being one (R10)."""
        edges = [edge for span in self.spans for edge in (span.start, span.end)]
        bounds = sorted({start, *(edge for edge in edges if start < edge < end)})
        found: list[Interval] = []
        for begin, stop in zip(bounds, [*bounds[1:], end], strict=True):
            cause = None if self._choose(begin) else self.cause_at(begin)
            if found and found[-1].cause == cause:
                found[-1] = Interval(found[-1].start, stop, cause)
            elif begin < stop:
                found.append(Interval(begin, stop, cause))
        return found

    def top(self, moments: Iterable[int], depth: int) -> list[Top]:
        """Return the best levels at each of these times."""
        return [self._top_at(moment, depth) for moment in moments]

    def changes(self, start: int, end: int, depth: int) -> list[Top]:
        """Return the best levels at `start` and whenever they differ from before (R9)."""
        edges = [span.end for span in self.spans]
        edges += [change.effective for span in self.spans for change in span.changes]
        instants = sorted({start, *(edge for edge in edges if start < edge < end)})
        found: list[Top] = []
        for instant in instants if start < end else ():
            top = self._top_at(instant, depth)
            if not found or found[-1].shown != top.shown:
                found.append(top)
        return found

    def _top_at(self, moment: int, depth: int) -> Top:
        book = self.book_at(moment)
        if book is None:
            return Top(moment, None, [], [])
        return Top(moment, book, book.bids[:depth], book.asks[:depth])

    def _choose(self, moment: int) -> "_Replay | None":
        """R7: the lowest line, then the latest session, then (R6) the highest first number."""
        holding = [one for one in self._replays if one.span.start <= moment < one.span.end]
        if not holding:
            return None
        line = min(one.span.line for one in holding)
        of_line = [one for one in holding if one.span.line == line]
        return max(of_line, key=lambda one: (one.span.session, one.span.first))


class _Replay:
    """Applies the rows of a span one after the other; going back in time it begins anew."""

    def __init__(self, span: Span) -> None:
        self.span = span
        self._place = 0
        self._sides: dict[str, dict[float, float]] = {"bid": {}, "ask": {}}

    def book_at(self, moment: int) -> Book:
        """R3: all rows of the span with an effective time up to then, in the tape's order."""
        changes = self.span.changes
        if self._place and changes[self._place - 1].effective > moment:
            self._place = 0
        while self._place < len(changes) and changes[self._place].effective <= moment:
            self._apply(changes[self._place])
            self._place += 1
        bids = sorted(self._sides["bid"].items(), reverse=True)
        return Book(self.span, changes[self._place - 1], bids, sorted(self._sides["ask"].items()))

    def _apply(self, change: Change) -> None:
        # A checkpoint's levels are those of the book: it may replace it as a snapshot does.
        if change.event.columns["is_snapshot"]:
            self._sides = {"bid": {}, "ask": {}}
        for side, price, size in change.event.levels:
            if size:
                self._sides[side][price] = size
            else:
                self._sides[side].pop(price, None)


def grid(start: int, end: int, every: int) -> Sequence[int]:
    """Return the whole multiples of `every` since 1970 that lie in `[start, end)` (R8)."""
    return range(-(-start // every) * every, end, every)
