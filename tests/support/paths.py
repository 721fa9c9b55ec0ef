"""Names paths of the project, and of its genuine messages."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT / "tests/recordings"
