import tomllib
from pathlib import Path

from booktape.release import COMMIT, RELEASE, VERSION, WRITER, name_release

HEAD = "0123456789abcdef0123456789abcdef01234567"


def test_the_version_is_that_of_the_distribution() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION


def test_a_tree_that_nobody_built_knows_no_commit() -> None:
    assert "" == COMMIT
    assert VERSION == RELEASE
    assert f"booktape {VERSION}" == WRITER


def test_a_build_is_named_by_its_commit_too() -> None:
    assert "0.1.0+g0123456789ab" == name_release("0.1.0", HEAD)
    assert "0.1.0" == name_release("0.1.0", "")
