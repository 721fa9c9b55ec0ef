import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.paths import ROOT

REQUIREMENTS = ROOT / "requirements"
BUILD = {"editables", "hatchling"}
PIN = re.compile(r"^([a-z0-9.-]+)==\S+", re.MULTILINE)
SOURCE = re.compile(r"^([a-z0-9-]+)", re.MULTILINE)
HEAVY = {"boto3", "botocore", "duckdb", "pandas", "polars", "pyarrow", "websockets"}


def run_python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def find_pins(name: str) -> dict[str, str]:
    text = (REQUIREMENTS / f"{name}.txt").read_text()
    return {pin[1]: pin[0] for pin in PIN.finditer(text)}


def test_production_installs_what_the_project_depends_on_and_what_builds_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    sources = set(SOURCE.findall((REQUIREMENTS / "run.in").read_text()))
    assert set(project["dependencies"]) | BUILD == sources
    assert sources <= set(find_pins("run"))


@pytest.mark.parametrize("name", ["test", "bench", "deploy"])
def test_everything_runs_on_the_versions_of_production(name: str) -> None:
    assert find_pins("run").items() <= find_pins(name).items()


@pytest.mark.parametrize("name", ["run", "test", "bench", "deploy"])
def test_every_pin_has_its_hashes(name: str) -> None:
    blocks = re.split(r"\n(?=\S)", (REQUIREMENTS / f"{name}.txt").read_text())
    assert [] == [block for block in blocks if "--hash=sha256:" not in block and block[0] != "#"]


def test_pandas_stays_out_of_production_for_pyarrow_would_load_it() -> None:
    assert "pandas" not in find_pins("run") | find_pins("test")


def test_no_dependency_owns_the_names_of_our_packages() -> None:
    owners = packages_distributions()
    assert {"booktape"} >= {*owners.get("services", []), *owners.get("shared", [])}


def test_the_wheel_is_what_the_tree_is(tmp_path: Path) -> None:
    run_python("import sys, hatchling.build as b; b.build_wheel(sys.argv[1])", str(tmp_path))
    [wheel] = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [entry] = [name for name in names if name.endswith("entry_points.txt")]
        assert b"booktape = services.__main__:main" in archive.read(entry)
    modules = {
        str(path.relative_to(ROOT))
        for package in ("booktape", "services", "shared")
        for path in (ROOT / package).rglob("*.py")
    }
    assert modules == {name for name in names if name.endswith(".py")}
    assert [f"{wheel.name.split('-py3')[0]}.data/data/share/booktape/supervisor.conf"] == [
        name for name in names if ".data/" in name
    ]


def test_ingest_loads_nothing_that_is_heavy() -> None:
    code = (
        "import sys, shared.ingest.process, services.__main__ as command\n"
        "command.find_exchanges()\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    assert set() == HEAVY.intersection(run_python(code).split())
