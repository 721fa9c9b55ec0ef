"""Record Bitvavo as a module: the same process as `booktape ingest bitvavo`."""

import sys
from importlib import import_module

if __name__ == "__main__":
    # The command line knows every exchange, and so every setting.
    sys.exit(import_module("services.__main__").main(["ingest", "bitvavo", *sys.argv[1:]]))
