"""What docs/deploy.md tells people to type exists."""

import re
import shlex
from collections.abc import Iterator

import pytest

from tests.deploy.templates import load, resources
from tests.support.paths import ROOT

TEXT = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def commands() -> Iterator[list[str]]:
    """Yield the words of each command that stands alone, or within a sentence."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    for block in (block for language, block in blocks if not language):
        for line in block.replace("\\\n", " ").splitlines():
            yield shlex.split(line, comments=True)
    for code in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", TEXT):
        if re.match(r"(deploy/|aws |sudo |booktape |make )", code):
            yield shlex.split(code)


COMMANDS = [words for words in commands() if words]


def test_every_script_that_is_named_is_there() -> None:
    named = {word for words in COMMANDS for word in words if re.match(r"deploy/\w", word)}
    assert {"deploy/build", "deploy/upload", "deploy/stack", "deploy/release"} <= named
    assert {"deploy/rollback", "deploy/retire", "deploy/status", "deploy/configure"} <= named
    assert [] == [name for name in named if not (ROOT / name).stat().st_mode & 0o111]
    mentioned = set(re.findall(r"`((?:deploy|tests|\.ci)/[\w./]+)`", TEXT))
    assert [] == [name for name in mentioned if not (ROOT / name).exists()]


@pytest.mark.parametrize("name", ["bootstrap", "data", "collector"])
def test_every_parameter_that_is_named_is_one(name: str) -> None:
    marks = {"bootstrap": "bootstrap.yaml", "data": "data.yaml", "collector": "deploy/stack"}
    given = {
        found[1]
        for words in COMMANDS
        if any(marks[name] in word for word in words)
        for word in words
        if (found := re.match(r"([A-Z][a-z]\w+)=", word))
    }
    assert given
    assert given <= set(load(name)["Parameters"])


def test_every_output_that_is_asked_for_is_there() -> None:
    outputs = {key for name in ("bootstrap", "data", "collector") for key in load(name)["Outputs"]}
    asked = set(re.findall(r"OutputKey=='(\w+)'", TEXT))
    assert {"DeployRoleArn", "InstanceId"} == asked
    assert asked <= outputs


def test_every_alarm_is_explained() -> None:
    alarms = resources("collector", "AWS::CloudWatch::Alarm").values()
    names = {str(a["Properties"]["AlarmName"]).rpartition("-")[2].rstrip("'}") for a in alarms}
    table = TEXT.split("**Alarms**")[1].split("**Several boxes**")[0]
    assert names == set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def test_the_query_names_columns_of_the_tape() -> None:
    [sql] = re.findall(r"^```sql\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    columns = {
        column["Name"]
        for column in resources("data", "AWS::Glue::Table")["BookTable"]["Properties"][
            "TableInput"
        ]["StorageDescriptor"]["Columns"]
    }
    words = set(re.findall(r"\b[a-z_]+\b", re.sub(r"'[^']*'", "", sql)))
    own = {"count", "max", "events", "newest", "booktape_prod", "book", "exchange", "date"}
    assert words - own <= columns
