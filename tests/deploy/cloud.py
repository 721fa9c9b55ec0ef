"""moto's server as an account, and the scripts of a deploy run against it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import boto3

from tests.support.paths import ROOT

REGION = "eu-central-1"
ACCOUNT = "123456789012"
COMMAND_S = 600.0  # on a busy machine each `aws` takes seconds to start
CLOUDFORMATION = ROOT / "cloudformation"
# Runs on the pretended instance: says what it was told, and fails at what it is told to.
STAND_IN = """#!/bin/bash
echo "$BOOKTAPE_TEST_INSTANCE $*" >> "{said}"
echo "on $BOOKTAPE_TEST_INSTANCE: $*"
! grep --quiet --word-regexp "$1" "{broken}"
"""


class Cloud:
    """One account, empty at first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = folder / "said"
        self.broken = folder / "broken"
        self.broken.touch()
        command = folder / "lib" / "booktape" / "command"
        command.parent.mkdir(parents=True)
        command.write_text(STAND_IN.format(said=self.said, broken=self.broken))
        command.chmod(0o755)
        own = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
        self.environment = {
            **own,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), own["PATH"]]),
            "BOOKTAPE_TEST_AGENT": str(folder),
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": str(folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "ENVIRONMENT": "prod",
            "POLL_S": "0.2",
        }
        with (folder / "server.log").open("w") as log:
            self._server = self._start(log)
        assert self._server.stdout is not None
        self.url = self._server.stdout.readline().strip()
        self.environment["AWS_ENDPOINT_URL"] = self.url

    def _start(self, log: IO[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.deploy.moto_more", "0"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )

    def close(self) -> None:
        """End the server."""
        assert self._server.stdout is not None
        self._server.kill()
        self._server.wait()
        self._server.stdout.close()

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run the plain aws command, or a script of a deploy."""
        return subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )

    def do(self, *command: str) -> str:
        """Run it; it must succeed."""
        done = self.run(*command)
        assert 0 == done.returncode, done.stdout
        return done.stdout

    def deploy(self, name: str, parameters: Sequence[str]) -> str:
        """Deploy a stack as docs/deploy.md says."""
        return self.do(
            *("aws", "cloudformation", "deploy", "--stack-name", f"booktape-{name}-prod"),
            *("--template-file", str(CLOUDFORMATION / f"{name}.yaml")),
            *("--capabilities", "CAPABILITY_IAM", "--no-fail-on-empty-changeset"),
            *("--parameter-overrides", *parameters),
        )

    def client(self, service: str) -> Any:
        """Return a client of ours."""
        session: Any = boto3.session.Session()
        return session.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="x",
            aws_secret_access_key="x",
        )

    def output(self, stack: str, name: str) -> str:
        """Return what a stack says."""
        [found] = self.client("cloudformation").describe_stacks(StackName=f"booktape-{stack}-prod")[
            "Stacks"
        ]
        values = {o["OutputKey"]: o["OutputValue"] for o in found["Outputs"]}
        return str(values[name])

    @contextmanager
    def refusing(self, *actions: str) -> Iterator[None]:
        """Let every box fail at these."""
        self.broken.write_text("\n".join(actions))
        try:
            yield
        finally:
            self.broken.write_text("")

    def find_boxes(self) -> dict[str, str]:
        """Return the state of every instance."""
        answer = self.client("ec2").describe_instances()
        boxes = [i for r in answer["Reservations"] for i in r["Instances"]]
        return {box["InstanceId"]: box["State"]["Name"] for box in boxes}

    def bucket_policy(self, bucket: str) -> list[dict[str, Any]]:
        """Return the statements of a bucket's policy, as the stack resolved them."""
        found = self.client("ssm").get_parameter(Name=f"/policy/{bucket}")["Parameter"]["Value"]
        statements: list[dict[str, Any]] = json.loads(found)["Statement"]
        return statements

    def role_policy(self, role: str) -> list[dict[str, Any]]:
        """Return the statements of a role's own policies."""
        iam = self.client("iam")
        names = iam.list_role_policies(RoleName=role)["PolicyNames"]
        documents = [
            iam.get_role_policy(RoleName=role, PolicyName=n)["PolicyDocument"] for n in names
        ]
        return [statement for document in documents for statement in document["Statement"]]

    def boundary_policy(self, role: str) -> list[dict[str, Any]]:
        """Return the statements of the boundary of a role."""
        iam = self.client("iam")
        arn = iam.get_role(RoleName=role)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
        found = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"]
        statements: list[dict[str, Any]] = found["Statement"]
        return statements
