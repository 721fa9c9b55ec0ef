"""A recording is a supervisord of our own, from its start to the end of its drain."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from booktape.errors import BooktapeError
from services.operator.supervision.programs import COMMAND, Programs
from services.operator.supervision.supervisor import Supervisor

# supervisord listens much sooner, except on a machine under load.
START_S = 30.0
# The sum of all stopwaitsecs in supervisor.conf, and some.
DRAIN_S = 150.0
LOOK_S = 0.2
OUTPUT_NAME = "supervisord.out"
OUTPUT_LINES_MAX = 5


class Recording:
    """One supervisord, our child, with all its programs."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self.conf = programs.conf
        self.supervisor = Supervisor(programs.socket)
        self._output = programs.log_folder / OUTPUT_NAME
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless one runs already."""
        assert self._child is None
        pid = self.supervisor.find_pid()
        if pid is not None:
            raise BooktapeError(
                f"booktape runs here already (supervisord, process {pid}); look at it: "
                f"booktape status; stop it: supervisorctl -c {self.conf} shutdown"
            )
        self._check_command()
        command = [
            sys.executable,
            "-P",  # a folder `services` in the working directory is not ours
            "-m",
            "services.operator.supervision.supervisord",
            "--nodaemon",
            "--silent",
        ]
        with self._output.open("wb") as output:
            # In a session of its own, so that Ctrl-C reaches us alone, and we stop it in order.
            self._child = subprocess.Popen(
                [*command, "--configuration", str(self.conf)],
                cwd=self._programs.folder,
                env=self._programs.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait_for_socket()

    @property
    def is_running(self) -> bool:
        """Return whether supervisord lives."""
        return self._child is not None and self._child.poll() is None

    @property
    def has_ended_well(self) -> bool:
        """Return whether supervisord ended in order, as after `supervisorctl shutdown`."""
        return self._child is not None and self._child.poll() == 0

    def explain_end(self) -> str:
        """Explain supervisord's unexpected end by its status and last words."""
        assert self._child is not None
        lines = self._output.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        said = " ".join(lines[-OUTPUT_LINES_MAX:])
        status = self._child.returncode
        how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        return f"supervisord {how}" + (f": {said}" if said else "")

    def drain(self, *, on_wait: Callable[[float], None]) -> bool:
        """Stop everything in order; return whether it ended in time."""
        assert self._child is not None
        self._child.send_signal(signal.SIGTERM)
        start_s = time.monotonic()
        while (waited_s := time.monotonic() - start_s) < DRAIN_S:
            if self._child.poll() is not None:
                return True
            on_wait(waited_s)
            time.sleep(LOOK_S)
        return False

    def _check_command(self) -> None:
        if shutil.which(COMMAND, path=self._programs.environment["PATH"]) is None:
            raise BooktapeError(
                f"the command {COMMAND} is not in the PATH; install it: pip install --editable ."
            )

    def _wait_for_socket(self) -> None:
        start_s = time.monotonic()
        while time.monotonic() - start_s < START_S:
            if not self.is_running:
                raise BooktapeError(self.explain_end())
            if self.supervisor.find_pid() is not None:
                return
            time.sleep(LOOK_S)
        self.drain(on_wait=lambda _: None)
        raise BooktapeError(f"supervisord does not answer on {self._programs.socket}")
