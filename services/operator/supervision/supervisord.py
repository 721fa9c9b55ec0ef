"""supervisord, which goes on where the disk is full.

Left to itself it tells a line that its log did not take on its stderr and, where that is a file on
the same disk, ends by it: https://github.com/Supervisor/supervisor/blob/main/supervisor/loggers.py
"""

from supervisor import loggers, supervisord


def main() -> None:
    """Run it with the arguments of this process."""
    loggers.Handler.handleError = _give_up
    supervisord.main()


def _give_up(self: loggers.Handler) -> None:
    """Do without the line: there is no place for it, nor for the word that there is none."""


if __name__ == "__main__":
    main()
