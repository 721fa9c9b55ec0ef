"""What the box does with a release that is not as it should be; the bucket is a folder."""

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.paths import ROOT

HOST = ROOT / "deploy" / "host"
RELEASE = 40 * "e"
NAME = f"{RELEASE}.{platform.machine()}"
# Of `aws s3 cp --only-show-errors SOURCE TARGET` what the scripts use.
AWS = """#!/bin/bash
echo "$*" >> asked
file=bucket/${4##*/}
[[ -e $file ]] || { echo "no such key: $4" >&2; exit 1; }
[[ $5 == - ]] && exec cat "$file"
exec cp "$file" "$5"
"""
FETCH_S = 300.0  # a virtual environment on a busy machine


class Fetch:
    """A box that has one release, and a bucket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bucket = folder / "bucket"
        self.root = folder / "opt"
        self.release = self.root / "releases" / RELEASE
        (folder / "bin").mkdir()
        self.bucket.mkdir()
        (self.root / "releases" / "old").mkdir(parents=True)
        aws = folder / "bin" / "aws"
        aws.write_text(AWS)
        aws.chmod(0o755)

    def put(self, tree: dict[str, bytes], *, sha256: str | None = None) -> None:
        """Put a release there that is made of these files."""
        source = self.folder / "source"
        for name, data in tree.items():
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o755)
        tarball = self.bucket / f"{NAME}.tar.gz"
        subprocess.run(["tar", "-czf", str(tarball), "-C", str(source), "."], check=True)
        own = hashlib.sha256(tarball.read_bytes()).hexdigest()
        (self.bucket / f"{NAME}.sha256").write_text((own if sha256 is None else sha256) + "\n")

    script = "fetch"

    def run(self, *prefix: str, arguments: Sequence[str] = (RELEASE,)) -> tuple[int, str]:
        """Fetch it; return the status, and what was said."""
        done = subprocess.run(
            [*prefix, str(HOST / self.script), *arguments],
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "BOOKTAPE_ROOT": str(self.root),
                "BOOKTAPE_RELEASES": "s3://nowhere/releases",
                "BOOKTAPE_CONFIGURATIONS": "s3://nowhere/configurations",
                "BOOKTAPE_PYTHON": sys.executable,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=FETCH_S,
            check=False,
        )
        return done.returncode, done.stdout

    def find_releases(self) -> list[str]:
        """Return what lies on the box."""
        return sorted(path.name for path in (self.root / "releases").iterdir())


@pytest.fixture
def fetch(tmp_path: Path) -> Iterator[Fetch]:
    fetch = Fetch(tmp_path)
    yield fetch
    assert "old" in fetch.find_releases()


def refuse(fetch: Fetch, *prefix: str) -> str:
    status, said = fetch.run(*prefix)
    assert 0 != status, said
    assert f"release {RELEASE} was not installed, and nothing was changed" in said
    assert ["old"] == fetch.find_releases()
    return said


TREE = {
    "requirements.txt": b"",
    "wheels/none": b"",
    "deploy/host/install": (HOST / "install").read_bytes(),  # its own knows what it needs
}


def test_a_release_of_which_a_byte_is_another_is_removed_again(fetch: Fetch) -> None:
    fetch.put(TREE, sha256=64 * "0")
    assert "FAILED" in refuse(fetch)


def test_a_checksum_that_is_none_is_refused_before_anything_is_downloaded(fetch: Fetch) -> None:
    fetch.put(TREE, sha256="<html>")
    refuse(fetch)
    assert 1 == len((fetch.folder / "asked").read_text().splitlines())


def test_a_release_that_is_not_in_the_bucket_is_refused(fetch: Fetch) -> None:
    assert "no such key" in refuse(fetch)


def test_a_release_for_which_there_is_no_room_is_removed_again(fetch: Fetch) -> None:
    fetch.put({**TREE, "wheels/large": bytes(4 << 20)})  # small as long as it is packed
    limited = ("bash", "-c", 'ulimit -f 1024; exec "$@"', "limited")
    refuse(fetch, *limited)


@pytest.mark.slow
def test_a_wheel_that_is_not_as_its_lock_says_is_not_installed(fetch: Fetch) -> None:
    lock = b"booktape==9 --hash=sha256:" + 64 * b"0"
    wheel = "wheels/booktape-9-py3-none-any.whl"
    fetch.put({**TREE, "requirements.txt": lock, wheel: b"another"})
    assert "HASH" in refuse(fetch).upper()


@pytest.mark.slow
def test_what_an_earlier_attempt_left_is_no_part_of_the_release(fetch: Fetch) -> None:
    fetch.put({**TREE, ".venv/bin/booktape": b"#!/bin/bash\necho $1 > tried\n"})
    fetch.release.mkdir()
    (fetch.release / "half").touch()
    status, said = fetch.run()
    assert 0 == status, said
    assert "exchanges" == (fetch.folder / "tried").read_text().strip()
    left = {path.name for path in fetch.release.iterdir()}
    assert {".venv", "deploy", "ready", "requirements.txt"} == left


def test_a_release_that_is_there_whole_is_left_as_it_is(fetch: Fetch) -> None:
    fetch.release.mkdir()
    (fetch.release / "ready").touch()
    assert (0, "") == fetch.run()
    assert not (fetch.folder / "asked").exists()


@pytest.mark.parametrize("name", ["main", "../../etc", RELEASE.upper(), RELEASE + "0"])
def test_what_names_no_commit_is_refused(fetch: Fetch, name: str) -> None:
    done = subprocess.run(
        [str(HOST / "fetch"), name],
        env={"PATH": os.environ["PATH"], "BOOKTAPE_ROOT": "/x", "BOOKTAPE_RELEASES": "/x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (2, True) == (done.returncode, "a release is named by its commit" in done.stderr)
    assert ["old"] == fetch.find_releases()


TOML = b'[exchanges.bitvavo]\nsymbols = "all"\n'
DIGEST = hashlib.sha256(TOML).hexdigest()


@pytest.fixture
def configuration(fetch: Fetch) -> Fetch:
    """Return a box whose bucket has a configuration that its pointer names."""
    fetch.script = "fetch-configuration"
    (fetch.bucket / f"{DIGEST}.toml").write_bytes(TOML)
    (fetch.bucket / "current").write_text(f"{DIGEST}\n")
    return fetch


def find_configurations(fetch: Fetch) -> dict[str, bytes]:
    folder = fetch.root / "configurations"
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


@pytest.mark.parametrize("arguments", [[DIGEST], []], ids=["named", "by the pointer"])
def test_a_configuration_is_fetched_by_its_digest_or_by_the_pointer(
    configuration: Fetch, arguments: list[str]
) -> None:
    assert (0, f"{DIGEST}\n") == configuration.run(arguments=arguments)
    assert {f"{DIGEST}.toml": TOML} == find_configurations(configuration)


def test_a_cell_has_a_pointer_of_its_own(
    configuration: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOKTAPE__STATE__CELL", "tokyo")
    status, said = configuration.run(arguments=[])
    assert (1, True) == (status, "no such key: s3://nowhere/configurations/current-tokyo" in said)


def test_a_configuration_that_is_another_is_not_kept(configuration: Fetch) -> None:
    (configuration.bucket / f"{DIGEST}.toml").write_bytes(TOML + b"#")
    status, said = configuration.run(arguments=[DIGEST])
    assert (1, True) == (status, "FAILED" in said)
    assert {} == find_configurations(configuration)


def test_what_names_no_configuration_is_refused(configuration: Fetch) -> None:
    status, said = configuration.run(arguments=["../../etc/passwd"])
    assert (2, True) == (status, "a configuration is named by its SHA-256" in said)
