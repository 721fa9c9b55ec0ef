import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

HOST = ROOT / "deploy" / "host"
BASH = "#!/bin/bash\n"
SCRIPTS = [
    path
    for path in sorted((ROOT / "deploy").rglob("*"))
    if path.is_file() and path.suffix == "" and "__pycache__" not in path.parts
]


def read_unit(name: str) -> configparser.RawConfigParser:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign] # keys keep their capitals
    unit.read(HOST / name, encoding="utf-8")
    return unit


OTHERS = [
    *sorted((ROOT / ".ci").iterdir()),
    *(ROOT / "tests" / "deploy" / name for name in ("manager", "sandbox")),
]


@pytest.mark.parametrize("script", [*SCRIPTS, *OTHERS], ids=lambda path: path.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    shellcheck = Path(sys.executable).with_name("shellcheck")
    command = [str(shellcheck), "--external-sources", "--source-path", str(ROOT), str(script)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stdout)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_says_what_it_does_and_ends_at_its_first_fault(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    if script.name == "common":
        assert not script.stat().st_mode & 0o111
    else:
        assert text.startswith(BASH)
        assert script.stat().st_mode & 0o111
        assert text.splitlines()[1].startswith("# ")
    assert "set -Eeuo pipefail" in text or '/common"' in text


def test_systemd_waits_for_longer_than_all_programs_take_to_drain() -> None:
    service = read_unit("booktape.service")["Service"]
    conf = (ROOT / "supervisor.conf").read_text(encoding="utf-8")
    waits = [int(seconds) for seconds in re.findall(r"^stopwaitsecs=(\d+)", conf, re.MULTILINE)]
    assert 3 <= len(waits)
    assert sum(waits) < int(service["TimeoutStopSec"])
    assert "mixed" == service["KillMode"]
    assert "always" == service["Restart"]
    assert "booktape" == service["User"]


def test_nothing_is_recorded_beside_the_disk_that_is_meant_for_it() -> None:
    text = (ROOT / "cloudformation" / "collector.yaml").read_text(encoding="utf-8")
    [state] = re.findall(r"BOOKTAPE__STATE__PATH=(.+)", text)
    assert state == read_unit("booktape.service")["Unit"]["RequiresMountsFor"]
    assert state in read_unit("booktape.service")["Service"]["ReadWritePaths"].split()
    assert f"state={state} " in (HOST / "init").read_text(encoding="utf-8")


def test_the_box_gives_a_feed_the_socket_buffer_that_it_asks_for() -> None:
    source = (ROOT / "shared" / "transport" / "connection.py").read_text(encoding="utf-8")
    asked = re.search(r"^SOCKET_BYTES: Final = (.+)$", source, re.MULTILINE)
    assert asked
    product = 1
    for factor in asked[1].split("*"):
        product *= int(factor)
    given = (HOST / "90-booktape.conf").read_text(encoding="utf-8")
    assert f"net.core.rmem_max = {product}\n" in given
