"""Runs a supervisord that survives a full disk.

Without this, supervisord complains on stderr about a line that its log could not take. If stderr
is a file on the same full disk, the complaint fails too, and supervisord ends:
https://github.com/Supervisor/supervisor/blob/main/supervisor/loggers.py
"""

from supervisor import loggers, supervisord


def main() -> None:
    """Run it with the arguments of this process."""
    loggers.Handler.handleError = _give_up
    supervisord.main()


def _give_up(self: loggers.Handler) -> None:
    """Drop the line: the disk has no room for it, nor for a complaint."""


if __name__ == "__main__":
    main()
