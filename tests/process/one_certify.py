"""The days of a tape certified by a child."""

from pathlib import Path

import pyarrow as pa

from tests.process.forking import serve
from tests.support.certified import certify_all


def main() -> None:
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    serve(certify)


def certify(folder: Path) -> None:
    """Certify what is there in the folder `tape`."""
    certify_all(folder / "tape", folder / "temporary")


if __name__ == "__main__":
    main()
