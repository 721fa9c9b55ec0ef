"""The units, and a deploy as a unit, under a real systemd; what they start are stand-ins."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT

NEEDED = (Path("/lib/systemd/systemd"), Path("/usr/bin/dbus-daemon"))
JOB_S = 180.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces, which wants root"),
    pytest.mark.skipif(not all(map(Path.exists, NEEDED)), reason="wants systemd and dbus"),
]

# A box as init leaves it; the release's Python and supervisord say who they are, and that they end.
BOX = """
useradd --system --no-create-home booktape
release={release}
folder=/opt/booktape/releases/$release
mkdir -p $folder/.venv/bin $folder/deploy /etc/booktape
cp -R /job/host $folder/deploy/host
touch $folder/ready
ln -s $folder /opt/booktape/current
echo "BOOKTAPE_ROOT=/opt/booktape" > /etc/booktape/box.env
echo "BOOKTAPE_RELEASES=s3://nowhere" >> /etc/booktape/box.env
cat > $folder/.venv/bin/python <<'PYTHON'
#!/bin/bash
echo "${{1##*/}} $2 as $(id --user --name)"
[[ $2 != settle ]] || exit 0
trap 'echo put back; exit 1' TERM
until [[ -e /tmp/end ]]; do sleep 0.05; done
exit "$(cat /tmp/end)"
PYTHON
cat > $folder/.venv/bin/supervisord <<'SUPERVISORD'
#!/bin/bash
(
    trap 'echo a feed is told to stop' TERM
    touch /opt/booktape/fed
    while true; do sleep 0.05; done
) &
trap 'sleep 3; echo drained; exit 0' TERM
until [[ -e /opt/booktape/fed ]]; do sleep 0.05; done
touch /opt/booktape/supervised
wait
SUPERVISORD
chmod +x $folder/.venv/bin/*
chown -R booktape: /opt/booktape
command=/opt/booktape/current/deploy/host/command
until_active() {{ until systemctl is-active --quiet booktape-deploy; do sleep 0.05; done; }}
until_ended() {{ while systemctl is-active --quiet booktape-deploy; do sleep 0.05; done; }}
"""
RELEASE = 40 * "e"


def run(folder: Path, job: str) -> list[str]:
    """Boot, do the job, and return the lines of what it said."""
    shutil.copytree(ROOT / "deploy" / "host", folder / "host")
    (folder / "job").write_text(BOX.format(release=RELEASE) + job)
    manager = ROOT / "tests" / "deploy" / "manager"
    done = subprocess.run([str(manager), str(folder)], check=False, timeout=JOB_S)
    assert 0 == done.returncode, (folder / "boot.log").read_text()
    return (folder / "said").read_text().splitlines()


def without_manager(said: list[str]) -> list[str]:
    """Leave out what systemd and the shell say of the processes."""
    words = ("booktape-deploy.service", "Killed", "Terminated")
    return [line for line in said if not any(word in line for word in words)]


def test_a_deploy_is_a_unit_that_ends_as_the_release_says(tmp_path: Path) -> None:
    job = """
for status in 0 1; do
    echo $status > /tmp/end
    $command deploy $release
    echo "ended with $?"
done
rm /tmp/end
"""
    line = "switch.py deploy as booktape"
    said = without_manager(run(tmp_path, job))
    assert [line, "ended with 0", line, "ended with 1"] == said


def test_a_deploy_outlives_who_asked_for_it_and_one_that_is_stopped_has_failed(
    tmp_path: Path,
) -> None:
    job = """
setsid $command deploy $release > /dev/null 2>&1 &
until_active
kill -KILL -- -$!
$command deploy $release
echo "the second: $?"
echo 0 > /tmp/end
until_ended
journalctl --unit booktape-deploy --output=cat --no-pager
rm /tmp/end
$command deploy $release &
until_active
until [[ $(journalctl --unit booktape-deploy --output=cat | grep --count "as booktape") == 2 ]]; do
    sleep 0.05
done
systemctl stop booktape-deploy
wait $!
echo "the stopped: $?"
"""
    line = "switch.py deploy as booktape"
    said = without_manager(run(tmp_path, job))
    assert said == [
        "another deploy of this box is under way, and nothing was done",
        "the second: 75",
        line,
        line,
        "put back",
        "the stopped: 143",
    ]


def test_the_service_settles_first_and_waits_for_the_drain_without_a_word_to_the_feeds(
    tmp_path: Path,
) -> None:
    job = """
cp /job/host/*.service /job/host/*.timer /etc/systemd/system/
systemd-analyze verify booktape.service booktape-figures.service booktape-figures.timer
systemctl daemon-reload
systemctl start booktape
systemctl is-active booktape
until [[ -e /opt/booktape/supervised ]]; do sleep 0.05; done
systemctl stop booktape
systemctl show booktape --property=Result
journalctl --unit booktape --output=cat --no-pager --identifier python --identifier supervisord
"""
    assert run(tmp_path, job) == [
        "active",
        "Result=success",
        "switch.py settle as booktape",
        "drained",
    ]
