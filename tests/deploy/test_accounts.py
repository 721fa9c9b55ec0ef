"""What the scripts of a deploy make of an account that does not answer as it should."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.paths import ROOT

RELEASE = 40 * "a"
# Of `aws` what the scripts ask for first; what stands in a file is the answer to it.
AWS = """#!/bin/bash
echo "$*" >> "{folder}/asked"
for answer in "{folder}"/answers/*; do
    [[ -e $answer ]] || continue
    if [[ "$*" == *"$(basename "$answer" | tr _ ' ')"* ]]; then
        cat "$answer" >&2
        exit 254
    fi
done
case "$*" in
    *"describe-stacks --stack-name "*) echo some-output ;;
    *describe-instances*) echo i-1 ;;
    *) echo nothing ;;
esac
"""
CALLED = "An error occurred ({}) when calling the DescribeStacks operation: {}"
THROTTLED = CALLED.format("Throttling", "Rate exceeded")
REFUSED = CALLED.format("AccessDenied", "User is not authorized; the role does not exist")
ABSENT = CALLED.format("ValidationError", "Stack with id booktape-collector-prod does not exist")


class Account:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "answers").mkdir()
        (folder / "bin").mkdir()
        aws = folder / "bin" / "aws"
        aws.write_text(AWS.format(folder=folder))
        aws.chmod(0o755)
        (folder / "configuration.toml").touch()

    def fail(self, what: str, by: str) -> None:
        (self.folder / "answers" / what.replace(" ", "_")).write_text(by)

    def run(self, *command: str) -> tuple[int, str]:
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={
                **os.environ,
                "PATH": path,
                "ENVIRONMENT": "prod",
                "POLL_S": "0",
                "COMMAND_S": "0",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def asked(self) -> str:
        return (self.folder / "asked").read_text()


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


COMMANDS = [
    ["deploy/stack"],
    ["deploy/release", RELEASE],
    ["deploy/retire"],
    ["deploy/status"],
    ["deploy/image"],
    ["deploy/configure", "CONFIGURATION"],
]


@pytest.mark.parametrize("fault", [THROTTLED, REFUSED, "Could not connect to the endpoint URL"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_a_look_that_fails_is_no_empty_account(
    account: Account, command: list[str], fault: str
) -> None:
    account.fail("--stack-name booktape-collector-prod", fault)
    file = str(account.folder / "configuration.toml")
    status, said = account.run(*(file if word == "CONFIGURATION" else word for word in command))
    assert 0 != status
    assert "AWS does not show stack booktape-collector-prod, so nothing was done" in said
    assert fault in said
    for word in ("cloudformation deploy", "send-command", "terminate", "put-object", "s3 cp"):
        assert word not in account.asked()


@pytest.mark.parametrize("output", ["bootstrap", "data"])
def test_one_of_many_looks_that_fails_ends_it_too(account: Account, output: str) -> None:
    account.fail(f"--stack-name booktape-{output}-prod", THROTTLED)
    status, said = account.run("deploy/stack")
    assert (1, True) == (status, THROTTLED in said)
    assert "cloudformation deploy" not in account.asked()


def test_a_stack_that_is_not_there_is_what_makes_an_account_empty(account: Account) -> None:
    account.fail("--stack-name booktape-collector-prod --output", ABSENT)
    account.run("deploy/stack")
    assert "describe-vpcs" in account.asked()
    assert "cloudformation deploy --stack-name booktape-collector-prod" in account.asked()


def test_a_box_that_is_there_keeps_its_image_and_its_network(account: Account) -> None:
    account.run("deploy/stack")
    asked = account.asked()
    assert "cloudformation deploy --stack-name booktape-collector-prod" in asked
    for word in ("ImageId=", "SubnetId=", "VpcId="):
        assert word not in asked


def test_a_cell_has_a_stack_and_pointers_of_its_own(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELL", "tokyo")
    account.run("deploy/stack")
    asked = account.asked()
    assert "cloudformation deploy --stack-name booktape-collector-prod-tokyo" in asked
    assert "Cell=tokyo" in asked
    assert "Name=tag:Name,Values=booktape-collector-prod-tokyo" in asked
    account.run("deploy/upload", RELEASE, str(account.folder))
    assert "--key releases/current-tokyo" in account.asked()
    assert "--key configurations/current-tokyo" in account.asked()


def test_what_is_no_name_of_a_cell_is_refused(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELL", "Tokyo-1")
    status, said = account.run("deploy/status")
    assert (2, True) == (status, "a cell is named by" in said)


class Tree:
    """A repository that has what deploy/build looks at first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "deploy").mkdir()
        build = folder / "deploy" / "build"
        build.write_bytes((ROOT / "deploy" / "build").read_bytes())
        build.chmod(0o755)
        (folder / "Makefile").write_text(".venv/.run:\n\techo it goes on; exit 1\n")
        self.git("init", "--quiet")
        self.commit()

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=us", "-c", "user.email=us@example.com"]
        command = ["git", *identity, *arguments]
        return subprocess.run(
            command, cwd=self.folder, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "one more")
        return self.git("rev-parse", "HEAD")

    def build(self, release: str) -> str:
        done = subprocess.run(
            ["deploy/build", release, "aarch64", str(self.folder / "dist")],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert 0 != done.returncode  # there is nothing to build
        return done.stdout


def test_a_release_is_built_of_its_own_commit_alone(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    before = tree.git("rev-parse", "HEAD")
    head = tree.commit()
    assert f"the tree is at {head}, not at {before}" in tree.build(before)
    assert f"the tree is at {head}, not at {RELEASE}" in tree.build(RELEASE)
    assert "it goes on" in tree.build(head)


@pytest.mark.parametrize("name", ["new.py", "Makefile"])
def test_what_no_commit_holds_is_built_into_no_release(tmp_path: Path, name: str) -> None:
    tree = Tree(tmp_path)
    with (tmp_path / name).open("a") as file:
        file.write("# not said by any commit\n")
    said = tree.build(tree.git("rev-parse", "HEAD"))
    assert "commit or remove" in said
    assert name in said
    assert "it goes on" not in said


SHIMS = {
    "blkid": "echo 1234-abcd",
    "mountpoint": "exit 1",
    "sleep": "exit 0",
    "mkfs.xfs": "exit 9",
}


@pytest.mark.parametrize("status", [0, 32])
def test_a_disk_that_is_not_mounted_makes_no_box(tmp_path: Path, status: int) -> None:
    for name, text in {**SHIMS, "mount": f"exit {status}"}.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        [str(ROOT / "deploy" / "host" / "mount-state"), "/dev/null", str(tmp_path / "state")],
        env={
            **os.environ,
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "BOOKTAPE_FSTAB": str(tmp_path / "fstab"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert status == done.returncode, done.stderr
    init = (ROOT / "deploy" / "host" / "init").read_text(encoding="utf-8")
    assert '\n"$here/mount-state" "$device" "$state"\n' in init  # whose end it is too
