"""Names the signals that ask a process to drain and end."""

import signal
from typing import Final

# A terminal that is closed sends the last one.
STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
