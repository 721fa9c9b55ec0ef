import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from booktape.store.storage import Storage
from booktape.tables import SCHEMAS
from shared.process.settings import Settings, State, WriterSettings
from tests.deploy.templates import FOLDER, NAMES, load, many, properties, resources
from tests.support.paths import ROOT

# Every statement that says `*`, and why it must.
STARS = {
    "TlsOnly": "whatever is asked without TLS is refused",
    "MostThatACollectorMayDo": "a ceiling; what is allowed stands in the role",
    "Compute": "what is made has no name before, and most of EC2's lists take none; one region",
    "AlarmsListed": "DescribeAlarms takes no resource",
    "TemplatesRead": "GetTemplateSummary of a template that is no stack yet",
    "RunWatched": "GetCommandInvocation takes no resource",
    "BoxesFound": "the lists of EC2 take no resource",
    "FiguresPublished": "PutMetricData takes no resource; bound to one namespace",
    "OperatedBySystemsManager": "the agent's own actions take no resource",
    "BoxesAssociated": "an association has no name before; both only look",
    "ImagesFound": "the names of public images, which are nobody's",
    "RunOnOurInstances": "an instance's id is not known before; bound to its tag",
    "OldBoxRetired": "likewise",
    "BoxesThatNeverGotLive": "likewise",
}
# A name that ends in `*` must say whose it is before.
OURS = ("${Project}", "Bucket.Arn}", "${DataBucket", "${ArtifactBucket", "DataBucketName}")
# What CloudFormation would use for properties that our box does not have, and so is not given.
WITHHELD = {
    "iam:AttachRolePolicy", "iam:DetachRolePolicy", "iam:DeleteRolePermissionsBoundary",
    "ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress",
    "ec2:UpdateSecurityGroupRuleDescriptionsIngress", "ec2:ModifyPrivateDnsNameOptions",
    "ec2:AssociateIamInstanceProfile", "ec2:DisassociateIamInstanceProfile",
    "ec2:ReplaceIamInstanceProfileAssociation", "ec2:AttachVolume", "ec2:DetachVolume",
    "ec2:ModifyInstanceAttribute", "ec2:ModifyInstanceCreditSpecification",
    "ec2:ModifyInstanceMaintenanceOptions", "ec2:ModifyInstanceMetadataOptions",
    "ec2:ModifyInstancePlacement", "ec2:MonitorInstances", "ec2:UnmonitorInstances",
    "ec2:StartInstances", "ec2:StopInstances", "ssm:CreateAssociation", "ssm:DeleteAssociation",
    "s3:GetObject",
}  # fmt: skip
COLLECTOR_ACTIONS = {
    "s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject", "s3:ListBucket",
    "cloudwatch:PutMetricData", "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
    "ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:FailMessage",
    "ec2messages:GetEndpoint", "ec2messages:GetMessages", "ec2messages:SendReply",
}  # fmt: skip
GLUE = {
    "string": "string", "dictionary<values=string, indices=int32, ordered=0>": "string",
    "int32": "int", "int64": "bigint", "bool": "boolean", "double": "double",
    "timestamp[us, tz=UTC]": "timestamp",
}  # fmt: skip


def statements(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every statement of every policy in it."""
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        for inner in value.values():
            yield from statements(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from statements(inner)


def policies_of(name: str, logical: str) -> list[dict[str, Any]]:
    """Return the statements of a role's own policies."""
    return list(statements(properties(name, logical)["Policies"]))


@pytest.mark.parametrize("name", NAMES)
def test_cfn_lint_finds_nothing(name: str) -> None:
    lint = Path(sys.executable).with_name("cfn-lint")
    command = [str(lint), "--include-checks", "I", "--regions", "eu-central-1", "us-east-1", "--"]
    done = subprocess.run(
        [*command, str(FOLDER / f"{name}.yaml")], capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_a_star_has_a_reason(name: str) -> None:
    found = list(statements(load(name)["Resources"]))
    starred = {
        s.get("Sid", json.dumps(s))
        for s in found
        if any(is_open(resource) for resource in many(s.get("Resource", [])))
        or any("*" in action for action in many(s["Action"]))
    }
    assert set() == starred - set(STARS)


def is_open(resource: Any) -> bool:
    """Say whether a resource of a statement could be somebody else's."""
    text = json.dumps(resource)
    return "*" in text and not any(name in text for name in OURS)


def test_no_reason_is_given_for_a_star_that_is_gone() -> None:
    found = [s for name in NAMES for s in statements(load(name)["Resources"])]
    assert set(STARS) <= {s.get("Sid") for s in found}


@pytest.mark.parametrize("name", NAMES)
def test_only_what_is_refused_names_all_actions_of_a_service(name: str) -> None:
    allowed = [s for s in statements(load(name)["Resources"]) if s["Effect"] == "Allow"]
    assert [] == [s for s in allowed if any("*" in action for action in many(s["Action"]))]
    assert [] == [s for s in allowed if "NotAction" in s or "NotResource" in s]


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_trusted_or_allowed_but_by_name(name: str) -> None:
    allowed = [s for s in statements(load(name)["Resources"]) if s["Effect"] == "Allow"]
    assert [] == [s for s in allowed if s.get("Principal") == "*"]
    assert "ManagedPolicyArns" not in json.dumps(load(name))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_holds_a_secret(name: str) -> None:
    assert [] == [
        key
        for key in load(name)["Parameters"]
        if any(word in key.lower() for word in ("secret", "password", "token", "accesskey"))
    ]


def test_github_is_trusted_for_one_environment_of_one_repository_and_nothing_else() -> None:
    [trust] = statements(properties("bootstrap", "DeployRole")["AssumeRolePolicyDocument"])
    assert "sts:AssumeRoleWithWebIdentity" == trust["Action"]
    assert {"StringEquals"} == set(trust["Condition"])
    provider = "token.actions.githubusercontent.com"
    conditions = trust["Condition"]["StringEquals"]
    assert {f"{provider}:aud", f"{provider}:sub"} == set(conditions)
    assert "sts.amazonaws.com" == conditions[f"{provider}:aud"]
    condition, with_ids, without = conditions[f"{provider}:sub"]["Fn::If"]
    assert "HasIds" == condition
    owner, repository = (
        "${GitHubOwner}@${GitHubOwnerId}",
        "${GitHubRepository}@${GitHubRepositoryId}",
    )
    assert f"repo:{owner}/{repository}:environment:${{Environment}}" == with_ids["Fn::Sub"]
    plain = "repo:${GitHubOwner}/${GitHubRepository}:environment:${Environment}"
    assert plain == without["Fn::Sub"]
    for name in ("GitHubOwner", "GitHubRepository", "GitHubOwnerId", "GitHubRepositoryId"):
        pattern = load("bootstrap")["Parameters"][name]["AllowedPattern"]
        assert re.search(pattern, "12")
        assert [] == [text for text in ("*", "1*", "1?", "1/2", "1:2") if re.search(pattern, text)]
    [rule] = load("bootstrap")["Rules"].values()
    assert {"GitHubOwnerId", "GitHubRepositoryId"} == set(re.findall(r"GitHub\w+Id", str(rule)))


def test_a_deploy_may_delete_no_stack_and_run_nothing_but_our_document() -> None:
    own = policies_of("bootstrap", "DeployRole")
    actions = {action for s in own for action in many(s["Action"])}
    assert not {action for action in actions if "Delete" in action} - {
        "cloudformation:DeleteChangeSet"
    }
    assert {"cloudformation", "s3", "iam", "ssm", "ec2"} == {a.split(":")[0] for a in actions}
    assert {"iam:PassRole"} == {action for action in actions if action.startswith("iam:")}
    sends = [s for s in own if "ssm:SendCommand" in many(s["Action"])]
    assert [True, False] == ["Condition" not in s for s in sends]
    assert sends[0]["Resource"]["Fn::Sub"].endswith(":document/${Project}-collector-${Environment}")
    [ends] = [s for s in own if "ec2:TerminateInstances" in many(s["Action"])]
    key = "aws:ResourceTag/booktape-environment"
    assert {"StringEquals": {key: {"Ref": "Environment"}}} == ends["Condition"]


def test_cloudformation_makes_roles_under_the_boundary_only() -> None:
    for statement in policies_of("bootstrap", "CloudFormationRole"):
        actions = {a for a in many(statement["Action"]) if a.startswith("iam:")}
        if actions & {"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"}:
            bound = {"StringEquals": {"iam:PermissionsBoundary": {"Ref": "Boundary"}}}
            assert bound == statement["Condition"]
        assert "iam:DeleteRolePermissionsBoundary" not in actions
        assert "iam:CreatePolicyVersion" not in actions
    boundary = properties("bootstrap", "Boundary")["PolicyDocument"]
    [ceiling] = statements(boundary)
    assert COLLECTOR_ACTIONS == set(ceiling["Action"])
    assert {"Ref": "BoundaryArn"} == properties("collector", "Role")["PermissionsBoundary"]


def test_cloudformation_may_do_what_each_resource_of_the_box_asks_of_it() -> None:
    own = policies_of("bootstrap", "CloudFormationRole")
    given = {action for s in own for action in many(s["Action"])}
    wanted = set()
    for resource in load("collector")["Resources"].values():
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("eu-central-1", resource["Type"])
        handlers = schema.schema["handlers"]
        for operation in ("create", "read", "update", "delete"):
            wanted |= set(handlers[operation]["permissions"])
    spelled = {action.lower(): action for action in given | WITHHELD}
    assert len(wanted) > 60
    assert set() == {action for action in wanted if action.lower() not in spelled}
    assert set() == given & WITHHELD
    # A box that records is ended by nobody but deploy/retire; one of another project by neither.
    [ends] = [s for s in own if "ec2:TerminateInstances" in many(s["Action"])]
    key = "aws:ResourceTag/booktape-environment"
    assert {"StringEquals": {key: {"Ref": "Environment"}}} == ends["Condition"]


@pytest.mark.parametrize(
    ("role", "service"),
    [("CloudFormationRole", "ec2.amazonaws.com"), ("DeployRole", "cloudformation.amazonaws.com")],
)
def test_a_role_is_passed_on_to_one_service(role: str, service: str) -> None:
    [passes] = [s for s in policies_of("bootstrap", role) if s["Action"] == "iam:PassRole"]
    assert {"StringEquals": {"iam:PassedToService": service}} == passes["Condition"]


def test_the_collector_may_do_this_and_no_more() -> None:
    own = policies_of("collector", "Role")
    assert COLLECTOR_ACTIONS == {action for s in own for action in many(s["Action"])}
    by_sid = {s["Sid"]: s for s in own}
    tape = "arn:${AWS::Partition}:s3:::${DataBucketName}/${TapePrefix}/*"
    assert {"Fn::Sub": tape} == by_sid["TapeWritten"]["Resource"]
    assert "Condition" in by_sid["TapeListed"]
    assert ["s3:GetObject"] == many(by_sid["ReleasesRead"]["Action"])


@pytest.mark.parametrize(
    ("name", "logical"), [("data", "DataBucket"), ("bootstrap", "ArtifactBucket")]
)
def test_a_bucket_is_kept_versioned_private_and_encrypted(name: str, logical: str) -> None:
    bucket = load(name)["Resources"][logical]
    assert ("Retain", "Retain") == (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"])
    own = bucket["Properties"]
    assert {"Status": "Enabled"} == own["VersioningConfiguration"]
    assert 4 * [True] == list(own["PublicAccessBlockConfiguration"].values())
    assert {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]} == own["OwnershipControls"]
    assert "BucketEncryption" in own
    rules = [rule for rule in own["LifecycleConfiguration"]["Rules"] if "Id" in rule]
    days = {"DaysAfterInitiation": 1}
    assert days in [rule.get("AbortIncompleteMultipartUpload") for rule in rules]


@pytest.mark.parametrize(
    ("name", "logical", "sid"),
    [
        ("data", "DataBucketPolicy", "TapeNeverChanges"),
        ("bootstrap", "ArtifactBucketPolicy", "ReleasesNeverChange"),
    ],
)
def test_a_bucket_refuses_what_is_not_put_only_if_absent(name: str, logical: str, sid: str) -> None:
    by_sid = {s["Sid"]: s for s in statements(properties(name, logical))}
    expected = {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }
    assert ("Deny", "*", expected) == tuple(
        by_sid[sid][k] for k in ("Effect", "Principal", "Condition")
    )
    secure = {"Bool": {"aws:SecureTransport": "false"}}
    assert ("Deny", secure) == (by_sid["TlsOnly"]["Effect"], by_sid["TlsOnly"]["Condition"])


def test_the_collector_is_refused_to_delete_by_the_bucket_as_well() -> None:
    by_sid = {s["Sid"]: s for s in statements(properties("data", "DataBucketPolicy"))}
    refusal = by_sid["CollectorNeverDeletes"]
    assert ("Deny", ["s3:DeleteObject", "s3:DeleteObjectVersion"]) == (
        refusal["Effect"],
        refusal["Action"],
    )
    path = properties("collector", "Role")["Path"]["Fn::Sub"]
    role = refusal["Condition"]["ArnLike"]["aws:PrincipalArn"]["Fn::Sub"]
    assert role.endswith(f":role{path}*")


def test_athena_reads_what_the_tape_is() -> None:
    tables = {
        table["Properties"]["TableInput"]["Name"]: table["Properties"]["TableInput"]
        for table in resources("data", "AWS::Glue::Table").values()
    }
    assert set(SCHEMAS) == set(tables)
    for name, table in tables.items():
        columns = {c["Name"]: c["Type"] for c in table["StorageDescriptor"]["Columns"]}
        assert {field.name: GLUE[str(field.type)] for field in SCHEMAS[name]} == columns
        assert ["exchange", "date"] == [key["Name"] for key in table["PartitionKeys"]]
        root = f"s3://${{DataBucket}}/${{TapePrefix}}/tape/{name}/"
        assert table["Parameters"] == {
            "classification": "parquet",
            "projection.enabled": "true",
            "projection.exchange.type": "enum",
            "projection.exchange.values": {"Ref": "Exchanges"},
            "projection.date.type": "date",
            "projection.date.format": "yyyy-MM-dd",
            "projection.date.range": {"Fn::Sub": "${FirstDate},NOW"},
            "storage.location.template": {"Fn::Sub": root + "exchange=${!exchange}/date=${!date}/"},
        }
        assert root == table["StorageDescriptor"]["Location"]["Fn::Sub"]


def test_athena_looks_for_every_exchange_that_there_is() -> None:
    exchanges = load("data")["Parameters"]["Exchanges"]["Default"].split(",")
    folders = (ROOT / "services").glob("ingest_*")
    assert {folder.name.removeprefix("ingest_") for folder in folders} == set(exchanges)


def test_athena_has_a_limit_that_no_query_can_lift() -> None:
    own = properties("data", "Workgroup")["WorkGroupConfiguration"]
    assert own["EnforceWorkGroupConfiguration"] is True
    assert 10 * 2**30 == own["BytesScannedCutoffPerQuery"]


def test_nothing_comes_in_and_only_tls_goes_out() -> None:
    assert {} == resources("collector", "AWS::EC2::SecurityGroupIngress")
    assert {} == resources("collector", "AWS::EC2::SecurityGroupEgress")
    assert ["SecurityGroup"] == list(resources("collector", "AWS::EC2::SecurityGroup"))
    data = properties("collector", "LaunchTemplate")["LaunchTemplateData"]
    [interface] = data["NetworkInterfaces"]
    assert [{"Ref": "SecurityGroup"}] == interface["Groups"]
    assert not {"SecurityGroups", "SecurityGroupIds"} & set(data)
    group = properties("collector", "SecurityGroup")
    assert "SecurityGroupIngress" not in group
    assert {("tcp", 443, 443)} == {
        (rule["IpProtocol"], rule["FromPort"], rule["ToPort"])
        for rule in group["SecurityGroupEgress"]
    }


def test_a_box_has_no_key_wants_tokens_and_encrypts_its_disks() -> None:
    own = properties("collector", "LaunchTemplate")["LaunchTemplateData"]
    assert "KeyName" not in own
    assert {"required", 1} == {
        own["MetadataOptions"][k] for k in ("HttpTokens", "HttpPutResponseHopLimit")
    }
    assert {"CpuCredits": "standard"} == own["CreditSpecification"]
    disks = [disk["Ebs"] for disk in own["BlockDeviceMappings"]]
    assert [("gp3", True), ("gp3", True)] == [(d["VolumeType"], d["Encrypted"]) for d in disks]
    assert [True, False] == [disk["DeleteOnTermination"] for disk in disks]
    [device] = re.findall(
        r'deploy/host/init" "\$release" (\S+)', own["UserData"]["Fn::Base64"]["Fn::Sub"]
    )
    assert device == own["BlockDeviceMappings"][1]["DeviceName"]
    types = load("collector")["Parameters"]["InstanceType"]
    assert "t4g.micro" == types["Default"]
    assert {"t3.micro", "t4g.micro", "t4g.small"} <= set(types["AllowedValues"])
    # What is set on the instance itself, beside its template, would change it in place.
    assert {"LaunchTemplate"} == set(properties("collector", "Instance"))


def test_a_box_is_replaced_by_one_that_is_live_and_ended_by_nobody_but_retire() -> None:
    instance = load("collector")["Resources"]["Instance"]
    policies = (instance["DeletionPolicy"], instance["UpdateReplacePolicy"])
    assert ("RetainExceptOnCreate", "Retain") == policies
    signal = instance["CreationPolicy"]["ResourceSignal"]
    assert 1 == signal["Count"]
    data = properties("collector", "LaunchTemplate")["LaunchTemplateData"]
    text = data["UserData"]["Fn::Base64"]["Fn::Sub"]
    [live_s] = re.findall(r"wait-live\" (\d+)\n *signal 0\n", text)
    minutes = int(signal["Timeout"].removeprefix("PT").removesuffix("M"))
    assert int(live_s) / 60 < minutes / 2


def test_the_document_takes_no_text_that_a_shell_could_read() -> None:
    content = properties("collector", "Document")["Content"]
    for parameter in content["parameters"].values():
        assert "allowedValues" in parameter or parameter["allowedPattern"] == "^[0-9a-f]{40}$"
    [step] = content["mainSteps"]
    command = "/opt/booktape/current/deploy/host/command '{{ Action }}' '{{ Release }}'"
    assert [command] == step["inputs"]["runCommand"]


def test_the_parameters_say_which_key_they_set_and_the_old_names_are_told() -> None:
    parameters = load("collector")["Parameters"]
    text = " ".join(p.get("Description", "") for p in parameters.values())
    for old in ("WriterType", "BufferSize", "SleepDuration"):
        assert f"used to be {old}" in text
    assert {"dev", "prod"} == set(parameters["Environment"]["AllowedValues"])
    defaults = WriterSettings()
    assert defaults.flush_rows == parameters["FlushRows"]["Default"]
    assert defaults.flush_interval_s == parameters["FlushIntervalSeconds"]["Default"]
    assert {"writer", "storage"} <= set(Settings.__struct_fields__)
    assert {"url", "region"} <= set(Storage.__struct_fields__)


def test_every_trouble_has_an_alarm_and_silence_is_one() -> None:
    alarms = {
        a["Properties"]["MetricName"]: a["Properties"]
        for a in resources("collector", "AWS::CloudWatch::Alarm").values()
    }
    expected = {
        "FlushPeriodsMissed", "FeedsDown", "BytesWaiting", "DiskUsedPercent", "CPUCreditBalance"
    }  # fmt: skip
    assert expected == set(alarms)
    assert all([{"Ref": "AlertsTopicArn"}] == alarm["AlarmActions"] for alarm in alarms.values())
    assert {"FlushPeriodsMissed", "FeedsDown"} == {
        name for name, alarm in alarms.items() if alarm["TreatMissingData"] == "breaching"
    }
    feeds = alarms["FeedsDown"]
    assert 300 == feeds["Period"] * feeds["EvaluationPeriods"]
    assert 3 == alarms["FlushPeriodsMissed"]["Threshold"]
    above = {"GreaterThanThreshold"}
    assert above == {a["ComparisonOperator"] for n, a in alarms.items() if n != "CPUCreditBalance"}
    assert "LessThanThreshold" == alarms["CPUCreditBalance"]["ComparisonOperator"]


def test_no_alarm_goes_off_because_the_box_is_not_made_yet() -> None:
    for alarm in resources("collector", "AWS::CloudWatch::Alarm").values():
        if alarm["Properties"]["TreatMissingData"] == "breaching":
            assert "Instance" == alarm["DependsOn"]


def test_the_disk_alarm_comes_before_the_feeds_close() -> None:
    smallest = load("collector")["Parameters"]["StateGigabytes"]["MinValue"] * 2**30
    free = smallest * (1 - properties("collector", "DiskAlarm")["Threshold"] / 100)
    assert State().disk_free_min_bytes < free


def test_somebody_is_told_of_alarms_and_of_costs_always() -> None:
    conditional = [k for k, r in load("data")["Resources"].items() if "Condition" in r]
    assert [] == conditional
    assert "Default" not in load("data")["Parameters"]["AlertEmail"]
    pattern = load("data")["Parameters"]["AlertEmail"]["AllowedPattern"]
    assert [True, False, False] == [
        re.search(pattern, text) is not None for text in ("a@b.example", "", "nobody")
    ]
    told = properties("data", "Budget")["NotificationsWithSubscribers"]
    assert [("FORECASTED", 100), ("ACTUAL", 80)] == [
        (n["Notification"]["NotificationType"], n["Notification"]["Threshold"]) for n in told
    ]
    assert all(
        [{"SubscriptionType": "EMAIL", "Address": {"Ref": "AlertEmail"}}] == n["Subscribers"]
        for n in told
    )


def test_the_wheels_are_for_the_python_that_a_box_installs() -> None:
    data = properties("collector", "LaunchTemplate")["LaunchTemplateData"]
    [version] = [
        word.removeprefix("python")
        for word in data["UserData"]["Fn::Base64"]["Fn::Sub"].split()
        if word.startswith("python3")
    ]
    assert f"PYTHON={version}\n" in (ROOT / "deploy" / "build").read_text()
    assert f"BOOKTAPE_PYTHON:-python{version}" in (ROOT / "deploy" / "host" / "install").read_text()
