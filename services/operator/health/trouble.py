"""A trouble: something that somebody should look at, under a code that stays the same."""

from typing import Final, Literal

from msgspec import Struct

from services.operator.health.health import Health, Process

# Each has a row in docs/troubles.md. A code is never given another meaning.
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


# What an exchange can cause by itself: only this is silenced while it has announced maintenance.
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
    """What is not well, what to do about it, and whom it concerns, where it is one."""

    code: Code
    text: str
    remedy: str
    process: str | None = None
    exchange: str | None = None

    @property
    def sentence(self) -> str:
        """Return both, for a person."""
        return f"{self.text}; {self.remedy}"


def trouble_of(process: Process, code: Code, text: str, remedy: str) -> Trouble:
    """Return a trouble of one process, and of its exchange if it has one."""
    return Trouble(
        code=code, text=text, remedy=remedy, process=process.name, exchange=process.exchange
    )


def order(action: str, program: str, health: Health) -> str:
    """Return the command that has supervisord do this with a program."""
    conf = f"-c {health.conf} " if health.conf else ""
    return f"supervisorctl {conf}{action} {program}"
