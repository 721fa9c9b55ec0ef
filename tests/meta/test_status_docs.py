"""What the pages on status and troubles say is what the code does."""

import ast
import re
from typing import get_args

import pytest
from msgspec import Struct

from services.operator.health.health import Health, JournalHealth, Process
from services.operator.health.silences import Silence
from services.operator.health.trouble import Code, Trouble
from shared.process.status import (
    VERSION,
    FeedCounts,
    IngestReport,
    ProcessReport,
    ServiceReport,
    SinkReport,
    WriterReport,
)
from tests.support.paths import ROOT

STATUS = (ROOT / "docs/status.md").read_text(encoding="utf-8")
TROUBLES = (ROOT / "docs/troubles.md").read_text(encoding="utf-8")
HEALTH = ROOT / "services/operator/health"
CODES = list(get_args(Code))


def read_keys(heading: str) -> list[str]:
    """Return the names in the first column of the table under a heading."""
    pattern = rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)"
    [section] = re.findall(pattern, STATUS, re.DOTALL | re.MULTILINE)
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


def own_fields(kind: type[Struct]) -> set[str]:
    return set(kind.__struct_fields__) - set(ProcessReport.__struct_fields__)


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("`booktape status --json`", {"ok", "release", "troubles", *Health.__struct_fields__}),
        ("Each of `troubles`", set(Trouble.__struct_fields__)),
        ("Each of `processes`", {"state", *Process.__struct_fields__}),
        ("Each of `journals`", set(JournalHealth.__struct_fields__)),
        ("The head of every report", set(ProcessReport.__struct_fields__)),
        ("`ingest_<exchange>-<line>.json`", own_fields(IngestReport)),
        ("`counts` of an ingest", set(FeedCounts.__struct_fields__)),
        ("`buffer_writer.json`", own_fields(WriterReport)),
        ("`sink_<name>.json`", own_fields(SinkReport)),
        ("Each of `silences`", set(Silence.__struct_fields__)),
        ("Of `programs`", own_fields(ServiceReport)),
    ],
)
def test_every_key_is_explained_once(heading: str, expected: set[str]) -> None:
    keys = read_keys(heading)
    assert len(set(keys)) == len(keys)
    assert expected == set(keys)


def test_the_version_is_that_of_the_code() -> None:
    assert f"| `version` | {VERSION} |" in STATUS


def test_every_trouble_has_a_row_and_every_row_a_trouble() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| \S.* \| \S.* \|$", TROUBLES, re.MULTILINE)
    assert CODES == rows


def test_every_code_is_given_by_one_rule() -> None:
    calls = [
        node
        for path in HEALTH.glob("*.py")
        if path.name != "trouble.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    given = [call.args[1] for call in calls if call.func.id == "trouble_of"]  # type: ignore[attr-defined]
    given += [call.keywords[0].value for call in calls if call.func.id == "Trouble"]  # type: ignore[attr-defined]
    assert sorted(CODES) == sorted(ast.literal_eval(code) for code in given)


def test_the_readme_leads_to_both() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(docs/status.md)" in readme
    assert "(docs/troubles.md)" in readme
