"""The audit watch finds since when every audit that we asked for has failed."""

from collections.abc import Iterable

from shared.feed.counts import Counts


class AuditWatch:
    """Looks at the counts of all feeds once a second; the main thread owns it."""

    def __init__(self) -> None:
        """Start without an audit."""
        self._audits = 0
        self._unanswered = 0
        self._since: int | None = None

    def look(self, counts: Iterable[Counts], ts: int) -> int | None:
        """Return the time since which no audit succeeded, if we asked for one since."""
        counts = list(counts)
        audits = sum(each.audits for each in counts)
        unanswered = sum(each.audits_unanswered for each in counts)
        if audits != self._audits:
            self._since = None
        elif unanswered != self._unanswered and self._since is None:
            self._since = ts
        self._audits, self._unanswered = audits, unanswered
        return self._since
