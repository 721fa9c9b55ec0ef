"""The units, and a deploy as a unit, under a real systemd; what they start are stand-ins."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from services.__main__ import find_exchange_names
from tests.deploy.templates import properties
from tests.support.paths import ROOT

NEEDED = (Path("/lib/systemd/systemd"), Path("/usr/bin/dbus-daemon"))
JOB_S = 180.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces, which wants root"),
    pytest.mark.skipif(not all(map(Path.exists, NEEDED)), reason="wants systemd and dbus"),
]

# A box as init leaves it; the release's commands say who they are, and that they end.
BOX = """
useradd --system --no-create-home booktape
release={release}
folder=/opt/booktape/releases/$release
own=/usr/local/lib/booktape
mkdir -p $folder/.venv/bin /etc/booktape /var/lib/booktape $own
mkdir /opt/booktape/programs /opt/booktape/configurations
cp /job/host/* $own/
printf '#!/bin/bash\n' > $own/logs
touch $folder/ready
ln -s $folder /opt/booktape/current
echo "BOOKTAPE_ROOT=/opt/booktape" > /etc/booktape/box.env
echo "BOOKTAPE_RELEASES=s3://nowhere" >> /etc/booktape/box.env
echo "BOOKTAPE_CONFIGURATIONS=s3://nowhere" >> /etc/booktape/box.env
cat > $folder/.venv/bin/booktape <<'BOOKTAPE'
#!/bin/bash
echo "$1 $2 as $(id --user --name)"
[[ $2 != settle ]] || exit 0
trap 'echo put back; exit 1' TERM
until [[ -e /run/end ]]; do sleep 0.05; done
exit "$(cat /run/end)"
BOOKTAPE
cat > $folder/.venv/bin/supervisord <<'SUPERVISORD'
#!/bin/bash
(
    trap 'echo a feed is told to stop' TERM
    touch /var/lib/booktape/fed
    while true; do sleep 0.05; done
) &
trap 'sleep 3; echo drained; exit 0' TERM
until [[ -e /var/lib/booktape/fed ]]; do sleep 0.05; done
touch /var/lib/booktape/supervised
wait
SUPERVISORD
chmod +x $folder/.venv/bin/*
chown -R booktape: /opt/booktape /var/lib/booktape
command=$own/command
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
    echo $status > /run/end
    $command deploy $release
    echo "ended with $?"
done
rm /run/end
"""
    line = "box deploy as booktape"
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
echo 0 > /run/end
until_ended
journalctl --unit booktape-deploy --output=cat --no-pager
rm /run/end
$command deploy $release &
until_active
until [[ $(journalctl --unit booktape-deploy --output=cat | grep --count "as booktape") == 2 ]]; do
    sleep 0.05
done
systemctl stop booktape-deploy
wait $!
echo "the stopped: $?"
"""
    line = "box deploy as booktape"
    said = without_manager(run(tmp_path, job))
    assert said == [
        "another deploy of this box is under way; this one did nothing",
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
systemd-analyze verify booktape.service booktape-{figures,logs}.{service,timer}
systemctl daemon-reload
systemctl start booktape
systemctl is-active booktape
until [[ -e /var/lib/booktape/supervised ]]; do sleep 0.05; done
systemctl stop booktape
systemctl show booktape --property=Result
journalctl --unit booktape --output=cat --no-pager | grep -E '^(box|drained|a feed)'
"""
    assert run(tmp_path, job) == [
        "active",
        "Result=success",
        "box settle as booktape",
        "drained",
    ]


def test_who_records_becomes_root_by_no_step_of_a_deploy(tmp_path: Path) -> None:
    job = """
cat > $folder/.venv/bin/booktape <<'BOOKTAPE'
#!/bin/bash
id --user --name >> /var/lib/booktape/who
BOOKTAPE
mkdir -p $folder/deploy/host
for name in command fetch install logs wait-live; do
    cp $folder/.venv/bin/booktape $folder/deploy/host/$name
done
touch /var/lib/booktape/who
chown -R booktape: /opt/booktape /var/lib/booktape
ln -s $folder/.venv/bin/booktape /usr/local/bin/booktape
digest=$(sha256sum < /dev/null | cut -d ' ' -f 1)
touch /opt/booktape/configurations/$digest.toml
for action in deploy rollback configure drain ready status; do
    {command} > /dev/null 2>&1
    echo "$action $?"
done
sort /var/lib/booktape/who | uniq --count
"""
    [line] = properties("collector", "Document")["Content"]["mainSteps"][0]["inputs"]["runCommand"]
    for name, text in (
        ("Action", "$action"),
        ("Release", "$release"),
        ("Configuration", "$digest"),
    ):
        line = line.replace(f"'{{{{ {name} }}}}'", text)
    said = run(tmp_path, job.replace("{command}", line))
    actions = ("deploy", "rollback", "configure", "drain", "ready", "status")
    assert [*(f"{action} 0" for action in actions), "      6 booktape"] == said


# The real supervisord and writer, in the sandbox of the unit; what is not there is an exchange.
REAL = r"""
python=/opt/python/bin/{python} path=/opt/tree:/opt/tree/{site}
cat > $folder/.venv/bin/booktape <<BOOKTAPE
#!/bin/bash
LD_LIBRARY_PATH=/opt/python/lib PYTHONPATH=$path exec $python -P -m services "\$@"
BOOKTAPE
cat > $folder/.venv/bin/supervisord <<SUPERVISORD
#!/bin/bash
LD_LIBRARY_PATH=/opt/python/lib PYTHONPATH=$path exec $python -P -m supervisor.supervisord "\$@"
SUPERVISORD
chmod +x $folder/.venv/bin/*
cat >> /etc/booktape/box.env <<'ENV'
BOOKTAPE_CONFIG=/opt/booktape/configurations/live.toml
BOOKTAPE__STORAGE__URL=file:/var/lib/booktape/tape
BOOKTAPE__STATE__PATH=/var/lib/booktape
BOOKTAPE__STATE__CELL=test
BOOKTAPE__STATE__DISK_FREE_MIN_BYTES=0
{disabled}
ENV
touch /opt/booktape/configurations/empty.toml
for name in live current; do ln -s empty.toml /opt/booktape/configurations/$name.toml; done
chown -R booktape: /opt/booktape
cp /job/host/*.service /etc/systemd/system/
systemctl daemon-reload
systemctl start booktape
systemctl is-active booktape
ask() {{
    set -a
    source /etc/booktape/box.env
    runuser -u booktape -- $folder/.venv/bin/booktape "$@"
}}
for _ in $(seq 30); do
    if (ask box ready > /job/ready 2>&1); then echo ready; break; fi
done
journalctl --unit booktape --output=cat --no-pager > /job/journal
systemctl stop booktape
systemctl show booktape --property=Result
find /var/lib/booktape/tape/tape -name '*.parquet' -printf '%f\n' | sed 's/.*Z-//' | sort
"""


def test_supervisord_the_writer_and_the_feeds_live_in_the_sandbox_of_their_unit(
    tmp_path: Path,
) -> None:
    site = Path(sysconfig.get_path("purelib")).relative_to(ROOT)
    (tmp_path / "tree").symlink_to(ROOT)
    (tmp_path / "python").symlink_to(sys.base_prefix)
    python = Path(sys.executable).resolve().name
    disabled = "\n".join(
        f"BOOKTAPE__EXCHANGES__{name.upper()}__ENABLED=false" for name in find_exchange_names()
    )
    said = run(tmp_path, REAL.format(python=python, site=site, disabled=disabled))
    assert ["active", "ready", "Result=success"] == said[:3], (tmp_path / "journal").read_text()
    names = find_exchange_names()
    tape = [f"{name}-testa-000000000000-000000000001.parquet" for name in names]
    assert tape == said[3 : 3 + len(names)]
