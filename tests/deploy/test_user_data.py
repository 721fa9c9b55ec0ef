import os
import platform
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.paths import ROOT

RELEASE = 40 * "d"
ARCHITECTURE = platform.machine()
BOOT_S = 300.0

pytestmark = [
    pytest.mark.moto,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces and a chroot, which wants root"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a real release, of this machine's Python: what a box installs without a network."""
    folder = tmp_path_factory.mktemp("built")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    subprocess.run(
        ["deploy/build", RELEASE, ARCHITECTURE, str(folder)],
        cwd=ROOT,
        env={**os.environ, "BOOKTAPE_PYTHON_VERSION": version},
        check=True,
        timeout=BOOT_S,
    )
    return folder


def boot(folder: Path, built: Path, *, corrupt: bool = False) -> dict[str, str]:
    """Boot an instance with the release; return what every shim was told, and what there is."""
    shutil.copytree(built, folder, dirs_exist_ok=True)
    if corrupt:
        with (folder / f"{RELEASE}.{ARCHITECTURE}.tar.gz").open("ab") as tarball:
            tarball.write(b"x")
    command = ["tests/deploy/sandbox", str(folder), RELEASE, sys.executable]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=BOOT_S, check=False
    )
    assert 0 == done.returncode, done.stderr
    said = {path.name: path.read_text().strip() for path in (folder / "said").iterdir()}
    return {**said, "log": (folder / "boot.log").read_text()}


def test_a_bare_instance_becomes_a_box(tmp_path: Path, built: Path) -> None:
    said = boot(tmp_path, built)
    assert "0" == said["status"], said["log"]
    assert "--exit-code 0 --stack booktape-collector-prod" in said["cfn-signal"]
    assert "python3.12" in said["dnf"]
    assert "-q /dev/sdf" == said["mkfs.xfs"]
    assert "UUID=1234-abcd /var/lib/booktape xfs defaults,noatime,nofail 0 2" in said["fstab"]
    assert "/var/lib/booktape" == said["mount"]
    assert f"/opt/booktape/releases/{RELEASE}" == said["current"]
    assert "booktape" == said["owner"]
    assert "enable --now booktape.service booktape-figures.timer" in said["systemctl"]
    assert {"booktape.service", "booktape-figures.service", "booktape-figures.timer"} <= set(
        said["units"].split()
    )
    assert "bitvavo" in said["exchanges"]
    assert "" == said["settle"]
    assert ["buffer_writer", "ingest_bitvavo", "ingest_btcturk"] == said["programs"].split()
    assert "health" in said["supervisorctl"]
    settings = tomllib.loads(said["booktape.toml"])
    assert settings["storage"]["url"].startswith("s3://booktape-data-prod-")
    assert ["BTC-EUR", "ETH-EUR", "USDT-EUR"] == settings["exchanges"]["bitvavo"]["symbols"]
    server = (tmp_path / "server.log").read_text()
    assert "PUT /latest/api/token" in server
    assert "security-credentials" in server


def test_a_release_that_was_tampered_with_is_not_run(tmp_path: Path, built: Path) -> None:
    said = boot(tmp_path, built, corrupt=True)
    assert "0" != said["status"]
    assert "FAILED" in said["log"]
    assert "--exit-code 1" in said["cfn-signal"]
    assert not {"systemctl", "mkfs.xfs", "mount"} & set(said)
