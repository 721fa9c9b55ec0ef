"""Names the signals that ask a process to drain and end."""

import signal
from typing import Final

# A terminal sends the last one when it closes.
STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
