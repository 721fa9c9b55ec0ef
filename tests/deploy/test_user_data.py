import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from services.__main__ import find_exchange_names
from tests.support.paths import ROOT

ARCHITECTURE = platform.machine()
BOOT_S = 300.0

pytestmark = [
    pytest.mark.moto,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces and a chroot, which wants root"),
]


class Built(NamedTuple):
    """A real release, of this machine's Python: what a box installs without a network."""

    folder: Path
    release: str


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build the tree as it is here, committed in a copy: a release is what a commit says."""
    tree = tmp_path_factory.mktemp("tree")

    def git(*arguments: str, folder: Path = tree) -> str:
        identity = ["-c", "user.name=us", "-c", "user.email=us@example.com"]
        command = ["git", *identity, *arguments]
        done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout.strip()

    listed = git("ls-files", "--cached", "--others", "--exclude-standard", folder=ROOT)
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    git("init", "--quiet")
    (tree / ".git" / "info" / "exclude").write_text(".venv\n")
    (tree / ".venv").symlink_to(ROOT / ".venv")
    git("add", "--all")
    git("commit", "--quiet", "--message", "as it is here")
    release = git("rev-parse", "HEAD")
    folder = tmp_path_factory.mktemp("built")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    subprocess.run(
        ["deploy/build", release, ARCHITECTURE, str(folder)],
        cwd=tree,
        env={**os.environ, "BOOKTAPE_PYTHON_VERSION": version},
        check=True,
        timeout=BOOT_S,
    )
    return Built(folder, release)


def boot(folder: Path, built: Built, *, corrupt: bool = False) -> dict[str, str]:
    """Boot an instance with the release; return what every shim was told, and what there is."""
    shutil.copytree(built.folder, folder, dirs_exist_ok=True)
    if corrupt:
        with (folder / f"{built.release}.{ARCHITECTURE}.tar.gz").open("ab") as tarball:
            tarball.write(b"x")
    command = ["tests/deploy/sandbox", str(folder), built.release, sys.executable]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=BOOT_S, check=False
    )
    assert 0 == done.returncode, done.stderr
    said = {path.name: path.read_text().strip() for path in (folder / "said").iterdir()}
    return {**said, "log": (folder / "boot.log").read_text()}


def test_a_bare_instance_becomes_a_box(tmp_path: Path, built: Built) -> None:
    said = boot(tmp_path, built)
    assert "0" == said["status"], said["log"]
    assert "--exit-code 0 --stack booktape-collector-prod" in said["cfn-signal"]
    assert "python3.12" in said["dnf"]
    assert "-q /dev/sdf" == said["mkfs.xfs"]
    assert "UUID=1234-abcd /var/lib/booktape xfs defaults,noatime,nofail 0 2" in said["fstab"]
    assert "/var/lib/booktape" == said["mount"]
    assert f"/opt/booktape/releases/{built.release}" == said["current"]
    assert "booktape" == said["owner"]
    assert (
        "enable --now booktape.service booktape-figures.timer booktape-logs.timer"
        in said["systemctl"]
    )
    assert {"booktape.service", "booktape-figures.service", "booktape-figures.timer"} <= set(
        said["units"].split()
    )
    assert all(name in said["exchanges"] for name in find_exchange_names())
    assert "" == said["settle"]
    links = ["buffer_writer", "dashboard", *(f"ingest_{name}" for name in find_exchange_names())]
    assert [*links, "supervisor.conf", "switch.lock"] == said["programs"].split()
    assert "health" in said["supervisorctl"]
    assert "s3://booktape-data-prod-" in said["box.env"]
    assert f"{hashlib.sha256(b'').hexdigest()}.toml" == said["configuration"]
    assert "root" == said["command"]
    server = (tmp_path / "server.log").read_text()
    assert "PUT /latest/api/token" in server
    assert "security-credentials" in server


def test_a_release_that_was_tampered_with_is_not_run(tmp_path: Path, built: Built) -> None:
    said = boot(tmp_path, built, corrupt=True)
    assert "0" != said["status"]
    assert "FAILED" in said["log"]
    assert "--exit-code 1" in said["cfn-signal"]
    assert not {"systemctl", "mkfs.xfs", "mount"} & set(said)
