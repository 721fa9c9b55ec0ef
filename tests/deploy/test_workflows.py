import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.templates import properties
from tests.support.paths import ROOT

FOLDER = ROOT / ".github" / "workflows"
NAMES = ("ci", "deploy", "weekly")
BINARIES = Path(sys.executable).parent
# Read from the tags of their repositories.
PINS = {
    "actions/checkout": "3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1",
    "actions/setup-python": "5fda3b95a4ea91299a34e894583c3862153e4b97 # v7.0.0",
    "actions/upload-artifact": "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0",
    "actions/download-artifact": "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1",
    "aws-actions/configure-aws-credentials": "e6de054238d6b7531b4efff3b6587d9aade6a06c # v6.2.3",
}
# The jobs that become the deploy role.
ROLES = {("deploy", "deploy"), ("deploy", "rollback"), ("weekly", "image")}
# What a person, a repository or a branch could have named, and a shell would read.
EXPRESSION = re.compile(r"\$\{\{")


def load(name: str) -> dict[str, Any]:
    text = (FOLDER / f"{name}.yml").read_text(encoding="utf-8")
    # `on` is a truth in YAML 1.1.
    workflow: dict[str, Any] = yaml.safe_load(text.replace("\non:", "\n'on':"))
    return workflow


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in load(name)["jobs"].values() for step in job.get("steps", [])]


def run(tool: str, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [str(BINARIES / tool), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_zizmor_finds_nothing() -> None:
    status, said = run("zizmor", "--offline", "--quiet", "--persona=pedantic", str(FOLDER.parent))
    assert 0 == status, said


def test_actionlint_finds_nothing() -> None:
    files = [str(FOLDER / f"{name}.yml") for name in NAMES]
    shellcheck = str(BINARIES / "shellcheck")
    assert (0, "") == run("actionlint", "-no-color", "-shellcheck", shellcheck, *files)


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_pinned_by_its_commit_with_the_version_beside(name: str) -> None:
    text = (FOLDER / f"{name}.yml").read_text(encoding="utf-8")
    used = re.findall(r"uses: (\S+?)@(.+)", text)
    assert len(used) == len(re.findall(r"uses: (?!\./)", text)) > 0
    assert [] == [action for action, pin in used if PINS[action] != pin]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_permitted_but_where_it_is_needed(name: str) -> None:
    workflow = load(name)
    assert {} == workflow["permissions"]
    for key, job in workflow["jobs"].items():
        needs_role = "environment" in job
        assert needs_role == ((name, key) in ROLES)
        expected = {"contents": "read", **({"id-token": "write"} if needs_role else {})}
        assert expected == job["permissions"]
        assert "uses" in job or job["timeout-minutes"] <= 180


def test_a_pull_request_gets_no_role() -> None:
    assert "pull_request" not in load("deploy")["on"]
    assert "pull_request_target" not in load("ci")["on"]
    assert ["main", "master"] == load("deploy")["on"]["push"]["branches"]


def test_nothing_is_deployed_that_was_not_tested_and_built() -> None:
    jobs = load("deploy")["jobs"]
    assert ["test", "build"] == jobs["deploy"]["needs"]
    assert "./.github/workflows/ci.yml" == jobs["test"]["uses"]
    assert "workflow_call" in load("ci")["on"]
    # A test that is skipped or may fail would let the deploy go on.
    for name in ("test", "build", "deploy"):
        assert "inputs.release == ''" == jobs[name]["if"]
    assert "continue-on-error" not in (FOLDER / "ci.yml").read_text(encoding="utf-8")


def test_a_deploy_is_cut_off_by_no_other_and_a_rollback_is_dropped_by_no_push() -> None:
    # Of those that wait in one group GitHub keeps the newest alone.
    assert load("deploy")["concurrency"] == {
        "group": "${{ inputs.release && 'rollback-prod' || 'deploy-prod' }}",
        "cancel-in-progress": False,
    }


def test_a_push_is_tried_by_one_workflow_and_of_documents_alone_restarts_nothing() -> None:
    deployed, tried = load("deploy")["on"]["push"]["paths"], load("ci")["on"]["push"]["paths"]
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    tops = {name.partition("/")[0] for name in listed.stdout.split()}
    covered = {glob.removesuffix("/**") for glob in [*deployed, *tried]}
    others = {
        ".ci",
        ".gitignore",
        ".pre-commit-config.yaml",
        "LICENSE",
        "Makefile",
        "booktape.toml",
    }
    assert others == {t for t in tops if not t.endswith(".md")} - covered - {".github"}
    assert {"booktape/**", "services/**", "shared/**", "deploy/**", "cloudformation/**"} < set(
        deployed
    )
    assert {"requirements/**", "pyproject.toml", "supervisor.conf"} < set(deployed)
    assert set() == set(deployed) & set(tried)
    assert [] == [glob for glob in deployed if ".md" in glob or "docs" in glob or "tests" in glob]


SINKS = 'sudo env "PATH=$PATH" make test-sinks'
METRICS = 'sudo env "PATH=$PATH" make test-metrics'


def test_pins_do_not_age_in_silence() -> None:
    weekly = load("weekly")
    assert [{"cron": "17 5 * * 1"}] == weekly["on"]["schedule"]
    commands = [step["run"] for step in steps("weekly") if "run" in step]
    assert {
        "make audit",
        "make test-exports",
        METRICS,
        SINKS,
        "make test-page",
        "deploy/image",
    } <= set(commands)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [names] = re.findall(r"^audit: .*\n\tfor name in (.+); do", makefile, re.MULTILINE)
    assert set(names.split()) == {p.stem for p in (ROOT / "requirements").glob("*.in")}
    bot = yaml.safe_load((FOLDER.parent / "dependabot.yml").read_text(encoding="utf-8"))
    watched = {(one["package-ecosystem"], one["directory"]) for one in bot["updates"]}
    assert {("github-actions", "/"), ("pip", "/requirements")} == watched


def test_there_is_no_key_and_the_account_is_named() -> None:
    text = (FOLDER / "deploy.yml").read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "access-key" not in text
    roles = [s["with"] for s in steps("deploy") if "configure-aws" in s.get("uses", "")]
    assert 2 == len(roles)
    assert all({"role-to-assume", "allowed-account-ids", "aws-region"} <= set(r) for r in roles)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_is_one_call_of_a_script_that_the_tests_try(name: str) -> None:
    commands = [step["run"] for step in steps(name) if "run" in step]
    for command in commands:
        assert not EXPRESSION.search(command)
        words = shlex.split(command)
        assert not set("\n;|&><`") & set(command.strip())
        if words[0] == "sudo":  # env PATH=...
            words = words[3:]
        if words[0] != "make":
            assert (ROOT / words[0]).stat().st_mode & 0o111


def test_no_deploy_deletes_a_stack() -> None:
    scripts = [p for p in (ROOT / "deploy").rglob("*") if p.is_file() and p.suffix != ".pyc"]
    assert [] == [p for p in scripts if b"delete-stack" in p.read_bytes()]


def test_a_role_lasts_as_long_as_the_job_that_takes_it() -> None:
    longest = properties("bootstrap", "DeployRole")["MaxSessionDuration"]
    jobs = [*load("deploy")["jobs"].items(), *load("weekly")["jobs"].items()]
    for key, job in jobs:
        for step in job.get("steps", []):
            if "configure-aws" in step.get("uses", ""):
                lasts = step["with"]["role-duration-seconds"]
                assert job["timeout-minutes"] * 60 <= lasts <= longest, key


def test_a_job_waits_longer_than_what_it_asks_of_the_box() -> None:
    [step] = properties("collector", "Document")["Content"]["mainSteps"]
    runs_s = int(step["inputs"]["timeoutSeconds"])
    common = (ROOT / "deploy" / "common").read_text(encoding="utf-8")
    [waits_s] = re.findall(r"COMMAND_S:-(\d+)", common)
    assert runs_s < int(waits_s)
    for key in ("deploy", "rollback"):
        assert int(waits_s) < load("deploy")["jobs"][key]["timeout-minutes"] * 60


def test_every_python_and_another_s3_are_tried() -> None:
    matrix = load("ci")["jobs"]["test"]["strategy"]["matrix"]
    assert ["3.11", "3.12", "3.13"] == matrix["python"]
    job = load("ci")["jobs"]["test"]
    port = (ROOT / ".ci" / "minio").read_text(encoding="utf-8")
    assert job["env"]["BOOKTAPE_TEST_S3"].removeprefix("http://") in port
    commands = [step.get("run") for step in job["steps"]]
    assert commands.index(".ci/minio") < commands.index(".ci/run")
