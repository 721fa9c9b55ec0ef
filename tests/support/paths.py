"""Where the project lies, and what genuine messages it has."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT / "tests/recordings"
