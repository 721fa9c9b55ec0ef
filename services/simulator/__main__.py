"""Run the simulator as a module."""

import sys

from services.simulator.main import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
