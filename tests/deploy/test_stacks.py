import hashlib
import os
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import booktape.store.s3
from booktape.errors import AlreadyStored
from booktape.report.shelf import report_key
from booktape.store.s3 import S3Store, connect
from booktape.store.storage import Storage
from shared.process.state import StateFolder
from tests.deploy.cloud import ACCOUNT, REGION, Cloud
from tests.deploy.judge import allows
from tests.support.healths import make_writer_report
from tests.support.paths import ROOT

pytestmark = [pytest.mark.moto, pytest.mark.slow]

FIRST, SECOND, THIRD = 40 * "a", 40 * "b", 40 * "c"
DATA = f"booktape-data-prod-{ACCOUNT}-{REGION}"
RELEASES = f"booktape-releases-prod-{ACCOUNT}-{REGION}"
TABLES = {"book", "trades", "ticker", "instruments", "feed_events"}
EMAIL = "on-call@example.com"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Return an account as docs/deploy.md leaves it: three stacks and a release."""
    cloud = Cloud(tmp_path_factory.mktemp("cloud"))
    try:
        cloud.deploy("bootstrap", ["GitHubOwner=us", "GitHubRepository=booktape"])
        cloud.deploy("data", [f"AlertEmail={EMAIL}"])
        build(cloud, FIRST)
        cloud.do("deploy/upload", FIRST, str(cloud.folder))
        cloud.do("deploy/stack")
        yield cloud
    finally:
        cloud.close()


def build(cloud: Cloud, release: str) -> None:
    """Put there what deploy/build makes, by its names."""
    for architecture in ("aarch64", "x86_64"):
        name = cloud.folder / f"{release}.{architecture}"
        tarball = f"release {release} {architecture}".encode()
        Path(f"{name}.tar.gz").write_bytes(tarball)
        Path(f"{name}.sha256").write_text(hashlib.sha256(tarball).hexdigest() + "\n")


def read(cloud: Cloud, key: str) -> str:
    found: bytes = cloud.client("s3").get_object(Bucket=RELEASES, Key=key)["Body"].read()
    return found.decode()


def find_box(cloud: Cloud) -> dict[str, Any]:
    box = cloud.output("collector", "InstanceId")
    answer = cloud.client("ec2").describe_instances(InstanceIds=[box])
    found: dict[str, Any] = answer["Reservations"][0]["Instances"][0]
    return found


def find_template(cloud: Cloud) -> dict[str, Any]:
    ec2 = cloud.client("ec2")
    [template] = ec2.describe_launch_templates()["LaunchTemplates"]
    versions = ec2.describe_launch_template_versions(
        LaunchTemplateId=template["LaunchTemplateId"], Versions=["$Latest"]
    )
    found: dict[str, Any] = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    return found


@pytest.mark.parametrize("bucket", [DATA, RELEASES])
def test_the_buckets_are_as_the_templates_say(cloud: Cloud, bucket: str) -> None:
    s3 = cloud.client("s3")
    assert "Enabled" == s3.get_bucket_versioning(Bucket=bucket)["Status"]
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert 4 * [True] == list(block.values())
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    by_id = {rule["ID"]: rule for rule in rules}
    abort = by_id["abort-multipart"]["AbortIncompleteMultipartUpload"]
    assert 1 == abort["DaysAfterInitiation"]
    assert "expire" not in by_id
    noncurrent = by_id["noncurrent"]["NoncurrentVersionExpiration"]["NoncurrentDays"]
    assert 0 < noncurrent <= 30
    ownership = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert [{"ObjectOwnership": "BucketOwnerEnforced"}] == ownership
    encryption = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    [rule] = encryption["Rules"]
    assert "AES256" == rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]
    refusals = {s["Sid"]: s for s in cloud.bucket_policy(bucket)}
    assert f"arn:aws:s3:::{bucket}" in refusals["TlsOnly"]["Resource"]


def test_the_deploy_role_trusts_the_provider_and_one_environment(cloud: Cloud) -> None:
    iam = cloud.client("iam")
    [provider] = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    role = cloud.output("bootstrap", "DeployRoleArn").rpartition("/")[2]
    [trust] = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert provider["Arn"] == trust["Principal"]["Federated"]
    subject = trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert "repo:us/booktape:environment:prod" == subject


def test_a_newer_repository_is_known_by_its_ids_and_a_provider_that_is_there_is_taken(
    cloud: Cloud,
) -> None:
    iam = cloud.client("iam")
    [before] = iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    name = ["--stack-name", "booktape-bootstrap-dev"]
    cloud.do(
        *("aws", "cloudformation", "deploy", *name, "--capabilities", "CAPABILITY_IAM"),
        *("--template-file", str(ROOT / "cloudformation" / "bootstrap.yaml")),
        *("--parameter-overrides", "Environment=dev", "GitHubOwner=us"),
        *("GitHubRepository=booktape", "GitHubOwnerId=12", "GitHubRepositoryId=34"),
        f"ExistingOidcProviderArn={before['Arn']}",
    )
    assert [before] == iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]
    stacks = cloud.client("cloudformation").describe_stacks(StackName=name[1])["Stacks"]
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stacks[0]["Outputs"]}
    role = outputs["DeployRoleArn"].rpartition("/")[2]
    [trust] = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert before["Arn"] == trust["Principal"]["Federated"]
    provider = "token.actions.githubusercontent.com"
    assert trust["Condition"] == {
        "StringEquals": {
            f"{provider}:aud": "sts.amazonaws.com",
            f"{provider}:sub": "repo:us@12/booktape@34:environment:dev",
        }
    }
    cloud.do("aws", "cloudformation", "delete-stack", *name)


def test_athena_finds_every_table_and_has_its_limit(cloud: Cloud) -> None:
    tables = cloud.client("glue").get_tables(DatabaseName="booktape_prod")["TableList"]
    assert TABLES == {table["Name"] for table in tables}
    for table in tables:
        root = f"s3://{DATA}/recordings/tape/{table['Name']}/"
        template = root + "exchange=${exchange}/date=${date}/"
        assert template == table["Parameters"]["storage.location.template"]
        assert "2026-11-01,NOW" == table["Parameters"]["projection.date.range"]
    group = cloud.client("athena").get_work_group(WorkGroup="booktape-prod")["WorkGroup"]
    assert (
        f"s3://{DATA}/athena-results/"
        == (group["Configuration"]["ResultConfiguration"]["OutputLocation"])
    )


def test_somebody_is_told_of_alarms_and_costs(cloud: Cloud) -> None:
    topic = cloud.output("data", "AlertsTopicArn")
    alarms = cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert 7 == len(alarms)
    assert all([topic] == alarm["AlarmActions"] for alarm in alarms)
    own = [alarm for alarm in alarms if alarm["Namespace"] == "booktape/prod"]
    assert 6 == len(own)
    [subscription] = cloud.client("sns").list_subscriptions()["Subscriptions"]
    assert (EMAIL, topic) == (subscription["Endpoint"], subscription["TopicArn"])
    [budget] = cloud.client("budgets").describe_budgets(AccountId=ACCOUNT)["Budgets"]
    assert 10.0 == float(budget["BudgetLimit"]["Amount"])


def test_the_box_is_started_from_its_template_with_no_way_in(cloud: Cloud) -> None:
    template = find_template(cloud)
    assert "t4g.micro" == find_box(cloud)["InstanceType"]
    assert "required" == template["MetadataOptions"]["HttpTokens"]
    assert [True, True] == [d["Ebs"]["Encrypted"] for d in template["BlockDeviceMappings"]]
    groups = template["NetworkInterfaces"][0]["Groups"]
    [group] = cloud.client("ec2").describe_security_groups(GroupIds=groups)["SecurityGroups"]
    assert [] == group["IpPermissions"]
    user_data = b64decode(template["UserData"]).decode()
    assert len(user_data) < 16_384 // 4
    assert f"s3://{RELEASES}/releases" in user_data
    assert f"BOOKTAPE__STORAGE__URL=s3://{DATA}/recordings\n" in user_data
    assert "${" not in user_data


def test_a_release_is_never_overwritten_and_the_same_one_may_come_again(cloud: Cloud) -> None:
    said = cloud.do("deploy/upload", FIRST, str(cloud.folder))
    assert 7 == said.count("is there already")
    other = cloud.folder / "other"
    other.mkdir(exist_ok=True)
    for path in cloud.folder.glob(f"{FIRST}.*"):
        (other / path.name).write_bytes(b"something else")
    before = read(cloud, f"releases/{FIRST}.aarch64.sha256")
    assert 0 != cloud.run("deploy/upload", FIRST, str(other)).returncode
    assert before == read(cloud, f"releases/{FIRST}.aarch64.sha256")


def test_a_deploy_runs_on_the_box_and_then_moves_the_pointer(cloud: Cloud) -> None:
    build(cloud, SECOND)
    cloud.do("deploy/upload", SECOND, str(cloud.folder))
    assert FIRST == read(cloud, "releases/current").strip()
    said = cloud.do("deploy/release", SECOND)
    box = cloud.output("collector", "InstanceId")
    assert f"on {box}: deploy {SECOND}" in said
    assert SECOND == read(cloud, "releases/current").strip()
    said = cloud.do("deploy/rollback", FIRST)
    assert f"on {box}: rollback {FIRST}" in said
    assert FIRST == read(cloud, "releases/current").strip()


def find_tags(cloud: Cloud, release: str) -> set[str]:
    s3 = cloud.client("s3")
    tags = [
        s3.get_object_tagging(Bucket=RELEASES, Key=f"releases/{release}.{architecture}.tar.gz")
        for architecture in ("aarch64", "x86_64")
    ]
    return {tag["Value"] for one in tags for tag in one["TagSet"]}


def test_what_a_box_may_boot_is_kept_from_the_lifecycle(cloud: Cloud) -> None:
    build(cloud, THIRD)
    cloud.do("deploy/upload", THIRD, str(cloud.folder))
    assert ({"live"}, {"past"}) == (find_tags(cloud, FIRST), find_tags(cloud, THIRD))
    cloud.do("deploy/release", THIRD)
    assert ({"past"}, {"live"}) == (find_tags(cloud, FIRST), find_tags(cloud, THIRD))
    cloud.do("deploy/rollback", FIRST)
    assert ({"live"}, {"past"}) == (find_tags(cloud, FIRST), find_tags(cloud, THIRD))


def test_a_configuration_replaces_no_box(cloud: Cloud) -> None:
    empty = hashlib.sha256(b"").hexdigest()
    assert empty == read(cloud, "configurations/current").strip()
    before = cloud.find_boxes()
    file = cloud.folder / "given.toml"
    file.write_text('[exchanges.bitvavo]\nsymbols = "all"\n')
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    with cloud.refusing("configure"):
        assert 1 == cloud.run("deploy/configure", str(file)).returncode
    assert empty == read(cloud, "configurations/current").strip()
    said = cloud.do("deploy/configure", str(file))
    box = cloud.output("collector", "InstanceId")
    assert f"on {box}: configure {40 * '0'} {digest}" in said
    assert digest == read(cloud, "configurations/current").strip()
    assert file.read_text() == read(cloud, f"configurations/{digest}.toml")
    assert "No changes to deploy" in cloud.do("deploy/stack")
    assert before == cloud.find_boxes()


def test_a_cell_is_a_box_of_its_own_in_the_same_account(cloud: Cloud) -> None:
    before = {box for box, state in cloud.find_boxes().items() if state == "running"}
    cloud.environment["CELL"] = "tokyo"
    try:
        cloud.do("deploy/upload", FIRST, str(cloud.folder))
        cloud.do("deploy/stack")
        assert FIRST == read(cloud, "releases/current-tokyo").strip()
        said = cloud.do("deploy/status")
    finally:
        del cloud.environment["CELL"]
    after = {box for box, state in cloud.find_boxes().items() if state == "running"}
    [other] = after - before
    assert before < after
    assert f"on {other}: status" in said
    cloud.do("deploy/retire")  # ends no box of another cell
    assert after == {box for box, state in cloud.find_boxes().items() if state == "running"}
    ssm = cloud.client("ssm")
    names = {
        d["Name"]
        for d in ssm.list_documents(Filters=[{"Key": "Owner", "Values": ["Self"]}])[
            "DocumentIdentifiers"
        ]
    }
    assert {"booktape-collector-prod", "booktape-collector-prod-tokyo"} <= names
    stack = "booktape-collector-prod-tokyo"
    cloud.do("aws", "cloudformation", "delete-stack", "--stack-name", stack)
    cloud.client("ec2").terminate_instances(InstanceIds=[other])


def test_how_old_the_image_of_the_box_is_can_be_asked(cloud: Cloud) -> None:
    assert "days old" in cloud.do("deploy/image", "100000")


def test_a_deploy_that_the_box_refuses_fails_and_moves_nothing(cloud: Cloud) -> None:
    with cloud.refusing("deploy"):
        done = cloud.run("deploy/release", SECOND)
    assert 1 == done.returncode
    assert f": deploy {SECOND}" in done.stdout
    assert FIRST == read(cloud, "releases/current").strip()


def test_what_is_no_release_is_not_even_sent(cloud: Cloud) -> None:
    before = cloud.said.read_text()
    done = cloud.run("deploy/release", "main; reboot")
    assert 2 == done.returncode
    assert before == cloud.said.read_text()


def test_a_second_deploy_of_the_stacks_changes_nothing(cloud: Cloud) -> None:
    before = cloud.find_boxes()
    assert "No changes to deploy" in cloud.deploy("data", [f"AlertEmail={EMAIL}"])
    assert "No changes to deploy" in cloud.do("deploy/stack")
    assert before == cloud.find_boxes()


def test_a_new_box_is_there_before_the_old_one_is_drained_and_ended(cloud: Cloud) -> None:
    old = cloud.output("collector", "InstanceId")
    said = cloud.do("deploy/stack", "StateGigabytes=10")
    new = cloud.output("collector", "InstanceId")
    assert new != old
    told = [line.split()[:2] for line in cloud.said.read_text().splitlines()]
    assert [[new, "ready"], [old, "drain"]] == told[-2:]
    assert f"{old} is drained and ended" in said
    assert {old: "terminated", new: "running"} == {
        box: state for box, state in cloud.find_boxes().items() if box in {old, new}
    }
    assert 10 == int(find_template(cloud)["BlockDeviceMappings"][1]["Ebs"]["VolumeSize"])


def test_a_box_that_does_not_drain_is_not_ended(cloud: Cloud) -> None:
    old = cloud.output("collector", "InstanceId")
    with cloud.refusing("drain"):
        done = cloud.run("deploy/stack", "StateGigabytes=11")
    assert 0 != done.returncode
    assert "running" == cloud.find_boxes()[old]
    # Nor is it even drained while the new one is not well: then it records alone.
    before = cloud.said.read_text().count("drain")
    with cloud.refusing("ready"):
        assert 0 != cloud.run("deploy/retire").returncode
    assert before == cloud.said.read_text().count("drain")
    assert "running" == cloud.find_boxes()[old]
    cloud.do("deploy/retire")
    assert "terminated" == cloud.find_boxes()[old]


def test_another_type_brings_the_image_of_its_architecture(cloud: Cloud) -> None:
    before = find_template(cloud)
    cloud.do("deploy/stack", "StateGigabytes=12")
    assert before["ImageId"] == find_template(cloud)["ImageId"]
    cloud.do("deploy/stack", "InstanceType=t3.micro")
    after = find_template(cloud)
    assert ("t4g.micro", "t3.micro") == (before["InstanceType"], after["InstanceType"])
    names = {
        image: f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"
        for image, architecture in ((before["ImageId"], "arm64"), (after["ImageId"], "x86_64"))
    }
    ssm = cloud.client("ssm")
    for image, name in names.items():
        assert image == ssm.get_parameter(Name=name)["Parameter"]["Value"]
    assert "t3.micro" == find_box(cloud)["InstanceType"]


def test_how_the_box_does_can_be_asked_from_outside(cloud: Cloud) -> None:
    assert ": status" in cloud.do("deploy/status")
    with cloud.refusing("status"):
        assert 1 == cloud.run("deploy/status").returncode


def test_the_tape_can_be_given_an_end(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    cloud.deploy("data", [f"AlertEmail={EMAIL}", "KeepDays=90"])
    rules = s3.get_bucket_lifecycle_configuration(Bucket=DATA)["Rules"]
    [expire] = [rule for rule in rules if rule["ID"] == "expire"]
    assert (90, "recordings/") == (expire["Expiration"]["Days"], expire["Filter"]["Prefix"])
    cloud.deploy("data", [f"AlertEmail={EMAIL}", "KeepDays=0"])
    rules = s3.get_bucket_lifecycle_configuration(Bucket=DATA)["Rules"]
    assert "expire" not in {rule["ID"] for rule in rules}


def test_segments_can_be_given_an_earlier_end_than_certified_days(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    cloud.deploy("data", [f"AlertEmail={EMAIL}", "KeepRawDays=30"])
    rules = s3.get_bucket_lifecycle_configuration(Bucket=DATA)["Rules"]
    [expire] = [rule for rule in rules if rule["ID"] == "expire-raw"]
    assert (30, "recordings/tape/") == (expire["Expiration"]["Days"], expire["Filter"]["Prefix"])
    cloud.deploy("data", [f"AlertEmail={EMAIL}", "KeepRawDays=0"])
    rules = s3.get_bucket_lifecycle_configuration(Bucket=DATA)["Rules"]
    assert "expire-raw" not in {rule["ID"] for rule in rules}


def test_a_pager_is_told_beside_the_mail_until_it_is_taken_away(cloud: Cloud) -> None:
    sns = cloud.client("sns")
    url = "https://pager.example.com/hook"
    for given, expected in ((url, {EMAIL, url}), ("", {EMAIL})):
        cloud.deploy("data", [f"AlertEmail={EMAIL}", f"AlertUrl={given}"])
        told = {one["Endpoint"] for one in sns.list_subscriptions()["Subscriptions"]}
        assert expected == told


def test_the_figures_of_the_box_are_what_the_alarms_watch(cloud: Cloud, tmp_path: Path) -> None:
    user_data = b64decode(find_template(cloud)["UserData"]).decode()
    env = dict(
        line.strip().split("=", 1)
        for line in user_data.split("<<'ENV'\n")[1].split("\nENV\n")[0].splitlines()
    )
    (tmp_path / "booktape.toml").touch()
    env["BOOKTAPE__STATE__PATH"] = str(tmp_path / "var")
    path = StateFolder(tmp_path / "var").report("buffer_writer")
    path.parent.mkdir(parents=True)
    report = make_writer_report(ts_start=time.time_ns(), last_flush_ts=None)
    path.write_bytes(msgspec.json.encode(report))
    subprocess.run(
        [sys.executable, "-P", "-m", "services", "box", "figures"],
        env={
            **cloud.environment,
            **env,
            "BOOKTAPE_CONFIG": str(tmp_path / "booktape.toml"),
            "PYTHONPATH": os.fspath(ROOT),
        },
        check=True,
        timeout=60.0,
    )
    cloudwatch = cloud.client("cloudwatch")
    metrics = cloudwatch.list_metrics()["Metrics"]

    def name(one: dict[str, Any]) -> tuple[str, str, str]:
        [cell] = one["Dimensions"]
        return one["Namespace"], one["MetricName"], f"{cell['Name']}={cell['Value']}"

    found = {name(m) for m in metrics if m["Namespace"] == "booktape/prod"}
    alarms = cloudwatch.describe_alarms()["MetricAlarms"]
    watched = {name(alarm) for alarm in alarms if alarm["Namespace"] == "booktape/prod"}
    assert watched == found
    [namespace] = {namespace for namespace, _, _ in found}
    judge = Judge(cloud)
    assert judge.allows("cloudwatch:PutMetricData", "*", cloudwatch__namespace=namespace)


class Calls:
    """Every call of a client, as IAM would be asked about it."""

    def __init__(self, client: Any) -> None:
        self.made: list[tuple[str, str, dict[str, str]]] = []
        client.meta.events.register("provide-client-params.s3", self._note)

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        name = model.name
        action = {
            "HeadObject": "s3:GetObject",
            "ListObjectsV2": "s3:ListBucket",
            "CreateMultipartUpload": "s3:PutObject",
            "UploadPart": "s3:PutObject",
            "CompleteMultipartUpload": "s3:PutObject",
        }.get(name, f"s3:{name}")
        creates = name in {"PutObject", "CompleteMultipartUpload"}
        context = {
            "aws:SecureTransport": "true",
            "s3:ObjectCreationOperation": str(creates).lower(),
        }
        if "Prefix" in params:
            context["s3:prefix"] = params["Prefix"]
        if "IfNoneMatch" in params:
            context["s3:if-none-match"] = params["IfNoneMatch"]
        key = f"/{params['Key']}" if "Key" in params else ""
        self.made.append((action, f"arn:aws:s3:::{params['Bucket']}{key}", context))


class Judge:
    """What the deployed policies say of the collector's calls."""

    def __init__(self, cloud: Cloud) -> None:
        role = cloud.output("collector", "RoleName")
        self._own = cloud.role_policy(role)
        self._boundary = cloud.boundary_policy(role)
        self._buckets = [*cloud.bucket_policy(DATA), *cloud.bucket_policy(RELEASES)]
        self._principal = f"arn:aws:iam::{ACCOUNT}:role/booktape-collector/{role}"

    def allows(self, action: str, resource: str, **context: str) -> bool:
        secure = {"aws:SecureTransport": "true", "aws:PrincipalArn": self._principal}
        given = {
            **secure,
            **{key.replace("__", ":").replace("_", "-"): v for key, v in context.items()},
        }
        return allows(
            self._own,
            self._boundary,
            self._buckets,
            action=action,
            resource=resource,
            context=given,
        )

    def allows_call(self, action: str, resource: str, context: dict[str, str]) -> bool:
        given = {"aws:PrincipalArn": self._principal, **context}
        return allows(
            self._own,
            self._boundary,
            self._buckets,
            action=action,
            resource=resource,
            context=given,
        )


@pytest.mark.parametrize("bytes_min", [64 << 20, 1000])
def test_all_that_the_store_asks_of_s3_is_allowed(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bytes_min: int
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setattr(booktape.store.s3, "MULTIPART_BYTES_MIN", bytes_min)
    client = connect(Storage("s3://unused", REGION, cloud.url))
    calls = Calls(client)
    store = S3Store(DATA, f"recordings/{bytes_min}", connect=lambda: client)
    path = tmp_path / "segment"
    path.write_bytes(b"PAR1" * 1000)
    store.put(path, "tape/x")
    with pytest.raises(AlreadyStored):
        store.put(path, "tape/x")
    assert store.head("tape/x") is not None
    assert 4000 == len(store.get("tape/x"))
    assert ["tape/x"] == [info.key for info in store.list("tape/")]
    actions = {"s3:PutObject", "s3:GetObject", "s3:ListBucket"}
    if bytes_min == 1000:
        actions.add("s3:AbortMultipartUpload")
    assert actions == {action for action, _, _ in calls.made}
    judge = Judge(cloud)
    assert [] == [call for call in calls.made if not judge.allows_call(*call)]


def test_what_the_collector_must_not_do_is_refused(cloud: Cloud) -> None:
    judge = Judge(cloud)
    tape, releases = f"arn:aws:s3:::{DATA}/recordings/x", f"arn:aws:s3:::{RELEASES}/releases/x"
    absent = {"s3__ObjectCreationOperation": "true", "s3__if_none_match": "*"}
    assert judge.allows("s3:PutObject", tape, **absent)
    report = f"arn:aws:s3:::{DATA}/recordings/{report_key('2026-11-22', 0)}"
    assert judge.allows("s3:PutObject", report, **absent)
    assert judge.allows("s3:GetObject", report)
    assert not judge.allows("s3:PutObject", tape, s3__ObjectCreationOperation="true")
    assert not judge.allows("s3:PutObject", f"arn:aws:s3:::{DATA}/elsewhere/x", **absent)
    assert not judge.allows("s3:PutObject", tape, **{**absent, "aws__SecureTransport": "false"})
    assert not judge.allows("s3:DeleteObject", tape)
    assert not judge.allows("s3:DeleteObjectVersion", tape)
    assert not judge.allows("s3:ListBucket", f"arn:aws:s3:::{DATA}")
    assert judge.allows("s3:ListBucket", f"arn:aws:s3:::{DATA}", s3__prefix="recordings/tape/")
    assert judge.allows("s3:GetObject", releases)
    assert judge.allows("s3:GetObject", f"arn:aws:s3:::{RELEASES}/configurations/x")
    logs = f"arn:aws:s3:::{DATA}/logs/booktape-collector-prod/host/x"
    assert judge.allows("s3:PutObject", logs, s3__ObjectCreationOperation="true")
    assert not judge.allows("s3:GetObject", logs)
    assert not judge.allows("s3:GetObject", "arn:aws:s3:::payroll/x")
    assert not judge.allows("s3:PutObject", releases, **absent)
    assert judge.allows("cloudwatch:PutMetricData", "*", cloudwatch__namespace="booktape/prod")
    assert not judge.allows("cloudwatch:PutMetricData", "*", cloudwatch__namespace="AWS/EC2")
    for action in ("ssm:GetParameter", "ssm:SendCommand", "iam:CreateUser", "ec2:RunInstances"):
        assert not judge.allows(action, "*")


def test_a_stack_that_is_deleted_leaves_the_tape(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    s3.put_object(Bucket=DATA, Key="recordings/kept", Body=b"tape", IfNoneMatch="*")
    boxes = cloud.find_boxes()
    for name in ("collector", "data"):
        cloud.do("aws", "cloudformation", "delete-stack", "--stack-name", f"booktape-{name}-prod")
    assert b"tape" == s3.get_object(Bucket=DATA, Key="recordings/kept")["Body"].read()
    assert [] == cloud.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert [] == cloud.client("glue").get_databases()["DatabaseList"]
    assert [] == cloud.client("sns").list_topics()["Topics"]
    assert boxes == cloud.find_boxes()
    stacks = cloud.client("cloudformation").list_stacks(StackStatusFilter=["CREATE_COMPLETE"])
    names = {stack["StackName"] for stack in stacks["StackSummaries"]}
    assert {"booktape-bootstrap-prod"} == names
    cloud.do("aws", "cloudformation", "delete-stack", "--stack-name", "booktape-bootstrap-prod")
    assert FIRST == read(cloud, "releases/current").strip()
