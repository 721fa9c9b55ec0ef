"""What the document runs, on a box whose programs are stand-ins that say what they were told."""

import hashlib
import os
import shutil
import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.process.standing import wait_until
from tests.support.paths import ROOT

HOST = ROOT / "deploy" / "host"
RELEASE = 40 * "e"
COMMAND_S = 60.0
# The manager: what it runs is no child of who asked, and speaks to the journal.
SYSTEMD_RUN = """#!/bin/bash
echo "$*" >> unit
while [[ $1 != -- ]]; do
    [[ $1 != --uid=booktape ]] || export BOOKTAPE_AS_IS=1 # nobody here is called so
    shift
done
shift
touch active
setsid bash -c '"$@"; status=$?; rm active; exit "$status"' manager "$@" > journal 2>&1 &
wait $!
"""
SYSTEMCTL = "#!/bin/bash\n[[ $1 == is-active && -e active ]]\n"
JOURNALCTL = "#!/bin/bash\nexec cat journal\n"
RUNUSER = '#!/bin/bash\n[[ "$1 $2 $3" == "-u booktape --" ]] && shift 3 && exec "$@"\n'
# The release's own booktape: says what it runs, and ends when and as it is told to.
BOOKTAPE = """#!/bin/bash
echo "booktape $*"
[[ $1 == box ]] || exit 0
cd "{folder}"
touch running
until [[ -e end ]]; do sleep 0.05; done
echo ended
touch ended
exit "$(cat end)"
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the agent is root")


class Agent:
    """Systems Manager's, on a box."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.release = folder / "opt" / "releases" / RELEASE
        self.own = folder / "own"  # root's copy
        shutil.copytree(HOST, self.own)
        self._put(self.own / "logs", "#!/bin/bash\necho logs of $1\n")
        self.release.mkdir(parents=True)
        (self.release / "ready").touch()
        (folder / "opt" / "current").symlink_to(self.release)
        (folder / "box.env").write_text(
            f"BOOKTAPE_ROOT={folder / 'opt'}\nBOOKTAPE_RELEASES=s3://nowhere/releases\n"
            "BOOKTAPE_CONFIGURATIONS=s3://nowhere/configurations\n"
        )
        self._put(self.release / ".venv" / "bin" / "booktape", BOOKTAPE.format(folder=folder))
        for name, text in (
            ("systemd-run", SYSTEMD_RUN),
            ("systemctl", SYSTEMCTL),
            ("journalctl", JOURNALCTL),
            ("runuser", RUNUSER),
        ):
            # `command` goes elsewhere; they stay here.
            self._put(
                folder / "bin" / name, text.replace("#!/bin/bash\n", f"#!/bin/bash\ncd {folder}\n")
            )

    def _put(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Run what the document runs."""
        own = {name: text for name, text in os.environ.items() if "BOOKTAPE" not in name}
        return subprocess.Popen(
            [str(self.own / "command"), *arguments],
            env={
                **own,
                "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "BOOKTAPE_BOX": str(self.folder / "box.env"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run it to its end."""
        child = self.start(*arguments)
        said, _ = child.communicate(timeout=COMMAND_S)
        return child.returncode, said

    def wait_for(self, name: str) -> None:
        wait_until((self.folder / name).exists)


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path)


@pytest.mark.parametrize("status", [0, 1, 75])
@pytest.mark.parametrize("action", ["deploy", "rollback"])
def test_a_deploy_ends_as_the_release_says_and_tells_what_it_said(
    agent: Agent, action: str, status: int
) -> None:
    (agent.folder / "end").write_text(str(status))
    said = f"booktape box {action} {RELEASE}\nended\n"
    assert (status, said) == agent.run(action, RELEASE)
    assert "--wait --unit=booktape-deploy" in (agent.folder / "unit").read_text()


def test_a_deploy_goes_on_when_the_agent_is_killed_and_no_other_comes_between(
    agent: Agent,
) -> None:
    with agent.start("deploy", RELEASE) as child:
        agent.wait_for("running")
        os.killpg(child.pid, signal.SIGKILL)
    assert -signal.SIGKILL == child.returncode
    status, said = agent.run("deploy", RELEASE)
    assert (75, True) == (status, "another deploy of this box is under way" in said)
    assert not (agent.folder / "ended").exists()
    (agent.folder / "end").write_text("0")
    agent.wait_for("ended")


def test_a_drain_is_the_running_release_s_own_and_leaves_its_logs(agent: Agent) -> None:
    (agent.folder / "end").write_text("0")
    today = f"{datetime.now(UTC):%Y-%m-%d}"  # noqa: TID251 # as the script says it
    expected = f"booktape box drain\nended\nlogs of {today}\n"
    assert (0, expected) == agent.run("drain", 40 * "0", 64 * "0")


def test_a_configuration_is_fetched_and_then_the_running_release_s_own_to_judge(
    agent: Agent,
) -> None:
    (agent.folder / "end").write_text("0")
    digest = hashlib.sha256(b"").hexdigest()
    (agent.folder / "opt" / "configurations").mkdir()
    (agent.folder / "opt" / "configurations" / f"{digest}.toml").touch()  # as if fetched before
    said = f"{digest}\nbooktape box configure {digest}\nended\n"
    assert (0, said) == agent.run("configure", 40 * "0", digest)
    assert "--wait --unit=booktape-deploy" in (agent.folder / "unit").read_text()


def test_a_deploy_may_write_the_code_and_the_state_alone(agent: Agent) -> None:
    (agent.folder / "end").write_text("0")
    agent.run("deploy", RELEASE)
    unit = (agent.folder / "unit").read_text()
    for name in ("NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes"):
        assert f"--property={name}" in unit
    assert f"ReadWritePaths={agent.folder / 'opt'} /var/lib/booktape --" in unit


@pytest.mark.parametrize(("action", "asked"), [("status", "status"), ("ready", "box ready")])
def test_a_look_waits_for_no_deploy(agent: Agent, action: str, asked: str) -> None:
    (agent.folder / "end").write_text("0")
    status, said = agent.run(action, 40 * "0", 64 * "0")
    assert (0, f"booktape {asked}") == (status, said.splitlines()[0])
    assert not (agent.folder / "unit").exists()


def test_what_is_no_action_is_refused(agent: Agent) -> None:
    status, said = agent.run("reboot", RELEASE)
    assert (2, True) == (status, "no such action: reboot" in said)
