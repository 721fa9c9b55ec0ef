"""Runs a supervisord that survives a full disk.

By itself it writes a line that its log refuses to its stderr; where that is a file on the same
disk, this ends it: https://github.com/Supervisor/supervisor/blob/main/supervisor/loggers.py
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
