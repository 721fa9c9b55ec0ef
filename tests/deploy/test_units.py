"""What the units of the box may do, and as whom; how it is under systemd: test_systemd.py."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT

HOST = ROOT / "deploy" / "host"
SERVICES = sorted(path.name for path in HOST.glob("*.service"))
TIMERS = sorted(path.name for path in HOST.glob("*.timer"))
EXPOSURE_MAX = 30  # tenths; it was 87
ANALYZE = shutil.which("systemd-analyze")
PROTECTED = {
    "NoNewPrivileges": "true",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "true",
    "PrivateTmp": "true",
    "PrivateDevices": "true",
    "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6 AF_NETLINK",
}


def read(name: str) -> configparser.RawConfigParser:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign] # keys keep their capitals
    unit.read(HOST / name, encoding="utf-8")
    return unit


def test_there_are_units() -> None:
    assert ["booktape-figures.service", "booktape-logs.service", "booktape.service"] == SERVICES
    assert ["booktape-figures.timer", "booktape-logs.timer"] == TIMERS


@pytest.mark.skipif(ANALYZE is None, reason="wants systemd-analyze")
@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_is_open_for_little(name: str) -> None:
    command = [str(ANALYZE), "security", "--offline=true", f"--threshold={EXPOSURE_MAX}"]
    done = subprocess.run([*command, str(HOST / name)], capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stdout


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_is_nobody_s_but_the_recording_user_s(name: str) -> None:
    service = read(name)["Service"]
    assert "booktape" == service["User"]
    assert {key: service.get(key) for key in PROTECTED} == PROTECTED
    filters = re.findall(r"^SystemCallFilter=(.*)$", (HOST / name).read_text(), re.MULTILINE)
    # supervisord sets limits of its own, and is ended by a filter that has no @resources.
    denied = [] if name == "booktape.service" else ["~@privileged @resources"]
    assert ["@system-service", *denied] == filters


def test_who_records_may_write_none_of_the_code() -> None:
    written = read("booktape.service")["Service"]["ReadWritePaths"].split()
    assert [
        "/var/lib/booktape", "/opt/booktape/programs", "/opt/booktape/configurations"
    ] == written  # fmt: skip
    assert "ReadWritePaths" not in read("booktape-figures.service")["Service"]


def test_root_runs_nothing_that_another_may_write() -> None:
    command = (HOST / "command").read_text(encoding="utf-8")
    init = (HOST / "init").read_text(encoding="utf-8")
    user_data = (ROOT / "cloudformation" / "collector.yaml").read_text(encoding="utf-8")
    # Before it hands the releases over it runs init from there, and afterwards nothing.
    of_releases = re.findall(r'^ *"\$folder/(\S+)"', user_data, re.MULTILINE)
    assert ["deploy/host/init"] == of_releases
    assert [] == re.findall(r"/opt/booktape/current", user_data)
    handed_over = init.index("chown -R booktape:booktape")
    after = [line.strip() for line in init[handed_over:].splitlines()[1:]]
    run = [line for line in after if "$here" in line or "$root/releases" in line]
    assert [] == [line for line in run if not line.startswith("as_booktape ")]
    installed = re.findall(r'install -m 0755 "\$here"/{(.+)} "\$own/"', init)
    assert ["command,fetch,fetch-configuration,logs,wait-live"] == installed
    own = set(re.findall(r'"\$here/([\w-]+)"', command))
    assert own <= set(installed[0].split(","))


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_starts_what_there_is(name: str) -> None:
    starts = [v for k, v in read(name)["Service"].items() if k.startswith("ExecStart")]
    assert starts
    for words in map(str.split, starts):
        path = Path(words[0])
        if path.is_relative_to("/usr/local/lib/booktape"):
            assert (HOST / path.name).stat().st_mode & 0o111
        else:
            assert path.parent == Path("/opt/booktape/current/.venv/bin")
            assert path.name in {"booktape", "supervisord"}
