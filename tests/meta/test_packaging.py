import re
import subprocess
import sys
import sysconfig
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest

from services.dashboard.static_files import FOLDER as PAGE
from tests.support.paths import ROOT
from tests.support.tapes import Recording, Tape, record_minute

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


@pytest.mark.parametrize("name", ["test", "bench", "deploy", "page"])
def test_everything_runs_on_the_versions_of_production(name: str) -> None:
    assert find_pins("run").items() <= find_pins(name).items()


def test_a_tape_is_read_with_the_versions_that_are_tested() -> None:
    tested = find_pins("test")
    readers = {name: pin for name, pin in find_pins("readers").items() if name in tested}
    assert {"duckdb", "polars", "pyarrow"} <= set(readers)
    assert readers.items() <= tested.items()
    query = {name: pin for name, pin in find_pins("query").items() if name in tested}
    assert {"duckdb", "pyarrow"} <= set(query)
    assert query.items() <= tested.items()


@pytest.mark.parametrize(
    "name", ["run", "test", "bench", "deploy", "page", "readers", "query", "exports"]
)
def test_every_pin_has_its_hashes(name: str) -> None:
    blocks = re.split(r"\n(?=\S)", (REQUIREMENTS / f"{name}.txt").read_text())
    assert [] == [block for block in blocks if "--hash=sha256:" not in block and block[0] != "#"]


def test_pandas_stays_out_of_production_for_pyarrow_would_load_it() -> None:
    assert "pandas" not in find_pins("run") | find_pins("test")


def test_no_dependency_owns_the_names_of_our_packages() -> None:
    owners = packages_distributions()
    names = ("booktape", "services", "shared")
    assert {"booktape-collector"} >= {owner for name in names for owner in owners.get(name, [])}


def test_no_distribution_of_ours_asks_an_index_for_another() -> None:
    for path in (ROOT / "pyproject.toml", ROOT / "booktape/pyproject.toml"):
        project = tomllib.loads(path.read_text())["project"]
        assert [] == [name for name in project["dependencies"] if name.startswith("booktape")]


def build_wheel(folder: Path, to: Path) -> Path:
    code = "import sys, hatchling.build as b; print(b.build_wheel(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(to)]
    said = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    return to / said.stdout.strip()


def test_a_wheel_that_is_deployed_knows_its_commit(tmp_path: Path) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    subprocess.run([ROOT / "deploy/wheel", commit, tmp_path], check=True, cwd=tmp_path)
    [wheel] = tmp_path.glob("booktape_collector-*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    said = run_python(
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from booktape.release import RELEASE, __file__\n"
        "print(RELEASE, __file__)",
        str(tmp_path),
    )
    assert f"0.1.0+g{commit[:12]} {tmp_path}/booktape/release.py" == said.strip()


def test_the_wheel_is_what_the_tree_is(tmp_path: Path) -> None:
    wheel = build_wheel(ROOT, tmp_path)
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [entry] = [name for name in names if name.endswith("entry_points.txt")]
        text = archive.read(entry).decode()
    assert "booktape = booktape.commands.main:main" in text
    assert "[booktape.commands]\ncollector = services.__main__:commands" in text
    modules = {
        str(path.relative_to(ROOT))
        for package in ("booktape", "services", "shared")
        for path in (ROOT / package).rglob("*.py")
    }
    assert modules == {name for name in names if name.endswith(".py")}
    page = {str(path.relative_to(ROOT)) for path in PAGE.iterdir()}
    page |= {
        str(path.relative_to(ROOT))
        for path in (ROOT / "booktape/report").iterdir()
        if path.suffix in {".css", ".js", ".txt"}
    }
    assert {"booktape/py.typed", *page} == {
        name for name in names - modules if "-info/" not in name and ".data/" not in name
    }
    assert [f"{wheel.name.split('-py3')[0]}.data/data/share/booktape/supervisor.conf"] == [
        name for name in names if ".data/" in name
    ]


READ = """
import shared.mine, services.mine, sys
import booktape
from booktape.commands.main import main
ours = [name for name in sys.modules if name.startswith(("shared.", "services."))]
assert ["shared.mine", "services.mine"] == ours
sys.exit(main(["verify", sys.argv[1]]))
"""


def test_the_library_alone_reads_a_tape_beside_a_users_own_folders(tmp_path: Path) -> None:
    """Install its wheel where nothing else of ours is, but what it names as its needs."""
    wheel = build_wheel(ROOT / "booktape", tmp_path)
    with ZipFile(wheel) as archive:
        folders = {name.split("/")[0] for name in archive.namelist()}
    assert {"booktape", f"{wheel.name.split('-py3')[0]}.dist-info"} == folders
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    [site] = venv.glob("lib/python*/site-packages")
    for name in ("msgspec", "pyarrow", "typing_extensions.py"):
        (site / name).symlink_to(Path(sysconfig.get_path("platlib")) / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(venv / "bin/python")]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", str(wheel)], check=True)
    for name in ("shared", "services"):
        (tmp_path / "user" / name).mkdir(parents=True)
        (tmp_path / "user" / name / "mine.py").touch()
    (tmp_path / "tape").mkdir()
    tape = Tape(tmp_path / "tape")
    tape.write(record_minute(Recording()))
    command = [str(venv / "bin/python"), "-c", READ, str(tmp_path / "tape")]
    ran = subprocess.run(
        command, cwd=tmp_path / "user", check=False, capture_output=True, text=True
    )
    assert "The tape is whole" in ran.stdout, ran.stderr
    said = subprocess.run(
        [venv / "bin/booktape", "--help"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    assert "verify" in said
    assert "ingest" not in said


def test_ingest_loads_nothing_that_is_heavy() -> None:
    code = (
        "import sys, shared.ingest.process, services.__main__ as command\n"
        "command.find_exchanges()\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    assert set() == HEAVY.intersection(run_python(code).split())
