"""A trouble is something that an operator should look at, under a code that stays the same."""

from typing import Final, Literal

from msgspec import Struct

from services.operator.health.health import Health, Process

# Each has a row in docs/troubles.md. A code never changes its meaning.
Code = Literal[
    "nothing-runs",
    "flush-conflict",
    "config-fault",
    "stopped",
    "starting",
    "failing-to-start",
    "unsupervised",
    "supervisor-lost",
    "orphan",
    "report-missing",
    "report-foreign",
    "release-differs",
    "feed-disk-full",
    "exchange-unreachable",
    "feed-not-live",
    "rate-limited",
    "journal-failing",
    "symbols-refused",
    "messages-malformed",
    "audits-missing",
    "upload-failing",
    "upload-late",
    "session-held",
    "writer-disk-full",
    "flush-failing",
    "journal-undelivered",
    "journal-unheard",
    "session-refused",
    "supervisor-deaf",
    "sink-failing",
    "sink-refused",
    "sink-rows-met",
    "certify-failing",
    "report-failing",
    "day-uncertified",
    "clock-unsynchronised",
    "look-late",
    "call-failing",
]


# Troubles that an exchange can cause by itself: only these are silenced during maintenance.
OF_EXCHANGE: Final[frozenset[Code]] = frozenset(
    (
        "exchange-unreachable",
        "feed-not-live",
        "rate-limited",
        "symbols-refused",
        "audits-missing",
    )
)


class Trouble(Struct, frozen=True, kw_only=True):
    """The trouble in words, its remedy, and the process or exchange that it concerns, if one."""

    code: Code
    text: str
    remedy: str
    process: str | None = None
    exchange: str | None = None

    @property
    def sentence(self) -> str:
        """Return the trouble and its remedy in one sentence."""
        return f"{self.text}; {self.remedy}"


def trouble_of(process: Process, code: Code, text: str, remedy: str) -> Trouble:
    """Return a trouble of one process, and of its exchange if any."""
    return Trouble(
        code=code, text=text, remedy=remedy, process=process.name, exchange=process.exchange
    )


def order(action: str, program: str, health: Health) -> str:
    """Return the supervisorctl command that does this to a program."""
    conf = f"-c {health.conf} " if health.conf else ""
    return f"supervisorctl {conf}{action} {program}"
