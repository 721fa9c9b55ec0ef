"""Record the toy as a module: the same process as `booktape ingest toy`."""

import sys
from importlib import import_module

if __name__ == "__main__":
    # The command line knows every exchange, and so every setting.
    sys.exit(import_module("services.__main__").main(["ingest", "toy", *sys.argv[1:]]))
