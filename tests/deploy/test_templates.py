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
from services.operator.box.configurations import OF_THE_BOX
from shared.process.settings import State
from tests.deploy.judge import allows
from tests.deploy.templates import FOLDER, NAMES, fill, load, many, properties, resources
from tests.support.paths import ROOT

# Every action that is allowed on what could be somebody else's, and why it must be.
STARS = {
    "cloudwatch:PutMetricData": "takes no resource; bound to one namespace",
    "cloudwatch:DescribeAlarms": "takes no resource",
    "cloudformation:GetTemplateSummary": "of a template that is no stack yet",
    "ssm:GetCommandInvocation": "takes no resource",
    "ssm:GetParameter": "the names of public images, which are nobody's",
    "ssm:DescribeAssociation": "an association has no name before; only looks",
    "ssm:ListAssociations": "likewise",
    "ssm:SendCommand": "an instance's id is not known before; bound to its tag",
    "ec2:TerminateInstances": "likewise",
    "ec2:RunInstances": "what is started has no name before; bound to small types",
    "ec2:CreateTags": "likewise; only at birth",
    "ec2:CreateSecurityGroup": "what is made has no name before",
    "ec2:CreateLaunchTemplate": "likewise",
    "ec2:CreateLaunchTemplateVersion": "bound to our tag",
    "ec2:DeleteLaunchTemplate": "bound to our tag",
    "ec2:ModifyLaunchTemplate": "bound to our tag",
    "ec2:DeleteSecurityGroup": "bound to our tag",
    "ec2:AuthorizeSecurityGroupEgress": "bound to our tag",
    "ec2:RevokeSecurityGroupEgress": "bound to our tag",
    "ec2:UpdateSecurityGroupRuleDescriptionsEgress": "bound to our tag",
    "ec2:DeleteTags": "bound to our tag",
    "ec2:GetLaunchTemplateData": "only looks",
    # The agent's own actions take no resource.
    "ssm:UpdateInstanceInformation": "", "ssmmessages:CreateControlChannel": "",
    "ssmmessages:CreateDataChannel": "", "ssmmessages:OpenControlChannel": "",
    "ssmmessages:OpenDataChannel": "", "ec2messages:AcknowledgeMessage": "",
    "ec2messages:DeleteMessage": "", "ec2messages:FailMessage": "",
    "ec2messages:GetEndpoint": "", "ec2messages:GetMessages": "", "ec2messages:SendReply": "",
    # The lists of EC2 take no resource.
    "ec2:DescribeIamInstanceProfileAssociations": "", "ec2:DescribeImages": "",
    "ec2:DescribeInstanceAttribute": "", "ec2:DescribeInstanceCreditSpecifications": "",
    "ec2:DescribeInstanceStatus": "", "ec2:DescribeInstances": "", "ec2:DescribeKeyPairs": "",
    "ec2:DescribeLaunchTemplateVersions": "", "ec2:DescribeLaunchTemplates": "",
    "ec2:DescribeNetworkInterfaces": "", "ec2:DescribeSecurityGroups": "",
    "ec2:DescribeSubnets": "", "ec2:DescribeTags": "", "ec2:DescribeVolumes": "",
    "ec2:DescribeVpcs": "",
}  # fmt: skip
# A name that ends in `*` must say whose it is before.
OURS = ("${Project}", "Bucket.Arn}", "${DataBucket", "${ArtifactBucket", "DataBucketName}")
ENVIRONMENT = "prod"
ACCOUNT, REGION = "123456789012", "eu-central-1"
EC2 = f"arn:aws:ec2:{REGION}:{ACCOUNT}"
GIVEN = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::StackName": "booktape-collector-prod",
    "Project": "booktape",
    "Environment": ENVIRONMENT,
    "Boundary": "boundary",
    "ArtifactBucket.Arn": "arn:aws:s3:::releases",
    "CloudFormationRole.Arn": "arn:aws:iam::1:role/formation",
    "DataBucketName": "data",
    "TapePrefix": "recordings",
    "ArtifactBucketName": "releases",
}
EVERYTHING = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
# What it asks for beside what the schemas of its types name; only the last changes anything.
EXTRA = {
    "ec2:DescribeImages", "ec2:DescribeInstanceStatus", "ec2:DescribeTags",
    "ec2:GetLaunchTemplateData", "ec2:ModifyLaunchTemplate",
}  # fmt: skip
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
    "kms:GenerateDataKey", "kms:Decrypt", "s3:PutObject",
    "s3:AbortMultipartUpload", "s3:GetObject", "s3:ListBucket",
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


def policies_of(
    name: str, logical: str, given: dict[str, str] | None = None
) -> list[dict[str, Any]]:
    """Return the statements of a role's own policies, filled with what is given."""
    policies = properties(name, logical)["Policies"]
    return list(statements(policies if given is None else fill(policies, given)))


@pytest.mark.parametrize("name", NAMES)
def test_cfn_lint_finds_nothing(name: str) -> None:
    lint = Path(sys.executable).with_name("cfn-lint")
    command = [str(lint), "--include-checks", "I", "--regions", "eu-central-1", "us-east-1", "--"]
    done = subprocess.run(
        [*command, str(FOLDER / f"{name}.yaml")], capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stdout)


def find_starred() -> set[str]:
    """Return every action that is allowed on what could be somebody else's."""
    found = [s for name in NAMES for s in statements(load(name)["Resources"])]
    return {
        action
        for s in found
        if s["Effect"] == "Allow"
        and any(is_open(resource) for resource in many(s.get("Resource", [])))
        for action in many(s["Action"])
    }


def test_every_action_on_what_could_be_somebody_else_s_has_a_reason() -> None:
    assert set(STARS) == find_starred()


def is_open(resource: Any) -> bool:
    """Say whether a resource of a statement could be somebody else's."""
    text = json.dumps(resource)
    return "*" in text and not any(name in text for name in OURS)


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
    subject = conditions[f"{provider}:sub"]
    names = {"GitHubOwner": "us", "GitHubRepository": "it"}
    ids = {"GitHubOwnerId": "1", "GitHubRepositoryId": "2", "HasIds": "1"}
    for given, expected in (
        ({"IsEnvironment": "1"}, "repo:us/it:environment:prod"),
        ({"IsEnvironment": "1", **ids}, "repo:us@1/it@2:environment:prod"),
        ({"Subject": "main"}, "repo:us/it:ref:refs/heads/main"),
        ({"Subject": "master", **ids}, "repo:us@1/it@2:ref:refs/heads/master"),
    ):
        assert expected == fill(subject, {**GIVEN, **names, **given})
    assert ["environment", "main", "master"] == (
        load("bootstrap")["Parameters"]["Subject"]["AllowedValues"]
    )
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
    documents = [r["Fn::Sub"].rpartition("/")[2] for r in sends[0]["Resource"]]
    own_name = "${Project}-collector-${Environment}"
    assert [own_name, f"{own_name}-*"] == documents
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
    ceiling = {action for s in statements(boundary) for action in many(s["Action"])}
    assert COLLECTOR_ACTIONS == ceiling
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
    wanted_exactly = {spelled[action.lower()] for action in wanted}
    assert EXTRA == given - wanted_exactly
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
    logs = "arn:${AWS::Partition}:s3:::${DataBucketName}/logs/${AWS::StackName}/*"
    assert {"Fn::Sub": logs} == by_sid["LogsWritten"]["Resource"]
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
            "projection.exchange.type": "injected",
            "projection.date.type": "date",
            "projection.date.format": "yyyy-MM-dd",
            "projection.date.range": {"Fn::Sub": "${FirstDate},NOW"},
            "storage.location.template": {"Fn::Sub": root + "exchange=${!exchange}/date=${!date}/"},
        }
        assert root == table["StorageDescriptor"]["Location"]["Fn::Sub"]


def test_no_template_names_an_exchange() -> None:
    folders = (ROOT / "services").glob("ingest_*")
    names = [folder.name.removeprefix("ingest_") for folder in folders]
    assert names
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8").lower()
        assert [] == [name for name in names if name in text]


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
    [live_s] = re.findall(r"wait-live (\d+)\n *signal 0\n", text)
    minutes = int(signal["Timeout"].removeprefix("PT").removesuffix("M"))
    assert int(live_s) / 60 < minutes / 2


def test_the_document_takes_no_text_that_a_shell_could_read() -> None:
    content = properties("collector", "Document")["Content"]
    for parameter in content["parameters"].values():
        patterns = {"^[0-9a-f]{40}$", "^[0-9a-f]{64}$"}
        assert "allowedValues" in parameter or parameter["allowedPattern"] in patterns
    [step] = content["mainSteps"]
    command = "/usr/local/lib/booktape/command '{{ Action }}' '{{ Release }}' '{{ Configuration }}'"
    assert [command] == step["inputs"]["runCommand"]


def test_what_is_recorded_is_no_parameter_for_it_would_replace_the_box() -> None:
    parameters = load("collector")["Parameters"]
    assert {
        "Project", "Environment", "Cell", "DataBucketName", "TapePrefix", "KmsKeyArn",
        "ArtifactBucketName", "BoundaryArn", "AlertsTopicArn", "InstanceType", "ImageId",
        "StateGigabytes", "VpcId", "SubnetId",
    } == set(parameters)  # fmt: skip
    assert {"dev", "prod"} == set(parameters["Environment"]["AllowedValues"])
    data = properties("collector", "LaunchTemplate")["LaunchTemplateData"]
    given = dict(re.findall(r"(BOOKTAPE__\w+)=(.*)", data["UserData"]["Fn::Base64"]["Fn::Sub"]))
    # Each is a key that there is, and one that no configuration may set.
    keys = {tuple(name.removeprefix("BOOKTAPE__").lower().split("__")) for name in given}
    assert OF_THE_BOX == keys
    assert {"url", "region"} <= set(Storage.__struct_fields__)
    assert {"path", "cell"} <= set(State.__struct_fields__)


# Threshold, statistic, period and number of periods of each; silence; what it means is in its text.
ALARMS = {
    "FlushPeriodsMissed": (3, "Maximum", 60, 3, "breaching"),
    "FeedsDown": (0, "Minimum", 60, 5, "breaching"),
    "Troubles": (0, "Minimum", 60, 15, "notBreaching"),
    "UploadAgeSeconds": (3 * 300 + 15 * 60, "Maximum", 60, 3, "notBreaching"),
    "BytesWaiting": (2**30, "Maximum", 300, 2, "notBreaching"),
    "DiskUsedPercent": (70, "Maximum", 300, 1, "notBreaching"),
    "CPUCreditBalance": (3, "Minimum", 300, 12, "missing"),
}


def test_every_alarm_is_exactly_so() -> None:
    alarms = {
        a["Properties"]["MetricName"]: a["Properties"]
        for a in resources("collector", "AWS::CloudWatch::Alarm").values()
    }
    keys = ("Threshold", "Statistic", "Period", "EvaluationPeriods", "TreatMissingData")
    assert {name: tuple(a[k] for k in keys) for name, a in alarms.items()} == ALARMS
    told = [{"Ref": "AlertsTopicArn"}]
    assert all(told == a["AlarmActions"] == a["OKActions"] for a in alarms.values())
    above = {"GreaterThanThreshold"}
    assert above == {a["ComparisonOperator"] for n, a in alarms.items() if n != "CPUCreditBalance"}
    assert "LessThanThreshold" == alarms["CPUCreditBalance"]["ComparisonOperator"]


def test_what_has_a_name_is_named_after_the_stack_and_the_figures_after_the_cell() -> None:
    assert {"Ref": "AWS::StackName"} == properties("collector", "Document")["Name"]
    of_cell = [{"Name": "Cell", "Value": {"Fn::If": ["HasCell", {"Ref": "Cell"}, "-"]}}]
    for alarm in resources("collector", "AWS::CloudWatch::Alarm").values():
        own = alarm["Properties"]
        assert own["AlarmName"]["Fn::Sub"].startswith("${AWS::StackName}-")
        if own["MetricName"] != "CPUCreditBalance":
            assert of_cell == own["Dimensions"]
    template = properties("collector", "LaunchTemplate")
    made = template["LaunchTemplateData"]["TagSpecifications"]
    for specification in [*template["TagSpecifications"], *made]:
        tags = {t["Key"]: t["Value"] for t in specification["Tags"] if "Key" in t}
        assert {"Ref": "AWS::StackName"} == tags["Name"]
        assert {"Ref": "Environment"} == tags["booktape-environment"]
    assert {"instance", "volume"} == {one["ResourceType"] for one in made}


def test_the_tape_stays_readable_and_nothing_else_moves_or_removes_it() -> None:
    rules = {
        r["Id"]: r
        for r in properties("data", "DataBucket")["LifecycleConfiguration"]["Rules"]
        if "Id" in r
    }
    assert [{"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 30}] == (
        rules["cold"]["Transitions"]
    )
    assert ["cold"] == [name for name, rule in rules.items() if "Transitions" in rule]
    expiring = {name: r["Prefix"] for name, r in rules.items() if "ExpirationInDays" in r}
    assert {"athena-results": "athena-results/", "logs": "logs/"} == expiring
    assert 14 == rules["noncurrent"]["NoncurrentVersionExpiration"]["NoncurrentDays"]


def test_a_release_that_a_box_may_boot_is_removed_by_nobody() -> None:
    rules = {
        r["Id"]: r
        for r in properties("bootstrap", "ArtifactBucket")["LifecycleConfiguration"]["Rules"]
    }
    expiring = [rule for rule in rules.values() if "ExpirationInDays" in rule]
    assert [[{"Key": "booktape-release", "Value": "past"}]] == [r["TagFilters"] for r in expiring]


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
    assert ["AlertsUrl"] == conditional  # beside the mail, never in its place
    beside = properties("data", "AlertsUrl")
    assert ("https", {"Ref": "AlertUrl"}) == (beside["Protocol"], beside["Endpoint"])
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


def may(role: str, action: str, resource: str, **context: str) -> bool:
    """Say whether a role of the bootstrap stack may do it."""
    own = policies_of("bootstrap", role, GIVEN)
    given = {
        key.replace("__", ":").replace("_", "-"): text
        for key, text in {"aws__RequestedRegion": REGION, **context}.items()
    }
    return allows(own, EVERYTHING, [], action=action, resource=resource, context=given)


def test_a_deploy_can_tag_command_and_end_nobody_else_s_instance() -> None:
    other = f"{EC2}:instance/i-other"
    tag = "aws:ResourceTag/booktape-environment"
    for action in ("ec2:CreateTags", "ec2:DeleteTags", "ec2:TerminateInstances"):
        assert not may("CloudFormationRole", action, other)
    assert not may("DeployRole", "ssm:SendCommand", other)
    assert may("CloudFormationRole", "ec2:CreateTags", other, ec2__CreateAction="RunInstances")
    assert not may("CloudFormationRole", "ec2:CreateTags", other, ec2__CreateAction="CreateTags")
    ours = {tag: ENVIRONMENT}
    assert may("CloudFormationRole", "ec2:TerminateInstances", other, **ours)
    key = "ssm:resourceTag/booktape-environment"
    assert may("DeployRole", "ssm:SendCommand", other, **{key: ENVIRONMENT})


@pytest.mark.parametrize("kind", ["security-group/sg-1", "launch-template/lt-1"])
def test_what_does_not_carry_our_tag_is_changed_and_deleted_by_no_deploy(kind: str) -> None:
    own = policies_of("bootstrap", "CloudFormationRole", GIVEN)
    changing = [
        action
        for s in own
        for action in many(s["Action"])
        if re.match(r"ec2:(Delete|Modify|Authorize|Revoke|Update|CreateLaunchTemplateV)", action)
    ]
    assert 8 <= len(set(changing))
    tag = "aws:ResourceTag/booktape-environment"
    for action in changing:
        assert not may("CloudFormationRole", action, f"{EC2}:{kind}")
        assert not may("CloudFormationRole", action, f"{EC2}:{kind}", **{tag: "dev"})
        assert may("CloudFormationRole", action, f"{EC2}:{kind}", **{tag: ENVIRONMENT})


@pytest.mark.parametrize(
    ("kind", "expected"), [("t4g.micro", True), ("t3.medium", True), ("p5.48xlarge", False)]
)
def test_a_deploy_starts_small_instances_alone(kind: str, *, expected: bool) -> None:
    instance = f"{EC2}:instance/*"
    assert expected == may(
        "CloudFormationRole", "ec2:RunInstances", instance, ec2__InstanceType=kind
    )
    assert may("CloudFormationRole", "ec2:RunInstances", f"{EC2}:volume/*")


def test_no_role_that_a_deploy_makes_reads_another_bucket() -> None:
    ceiling = list(statements(fill(properties("bootstrap", "Boundary"), GIVEN)))
    own = f"booktape-data-prod-{ACCOUNT}-{REGION}"

    def may_read(bucket: str) -> bool:
        arn = f"arn:aws:s3:::{bucket}/x"
        return allows(EVERYTHING, ceiling, [], action="s3:GetObject", resource=arn, context={})

    assert [True, True, False] == [may_read(b) for b in (own, "releases", "payroll")]
    releases = "arn:aws:s3:::releases/releases/x"
    assert not allows(EVERYTHING, ceiling, [], action="s3:PutObject", resource=releases, context={})


def test_the_deploy_role_may_do_this_and_no_more() -> None:
    assert {
        "s3:PutObject", "s3:PutObjectTagging", "s3:GetObject", "s3:ListBucket",
        "cloudformation:CreateChangeSet", "cloudformation:DescribeChangeSet",
        "cloudformation:ExecuteChangeSet", "cloudformation:DeleteChangeSet",
        "cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks",
        "cloudformation:GetTemplateSummary", "iam:PassRole", "ssm:SendCommand",
        "ssm:GetCommandInvocation", "ssm:GetParameter", "ec2:DescribeImages",
        "ec2:DescribeInstances", "ec2:DescribeVpcs", "ec2:DescribeSubnets",
        "ec2:TerminateInstances",
    } == {
        action for s in policies_of("bootstrap", "DeployRole") for action in many(s["Action"])
    }  # fmt: skip


def test_a_key_of_one_s_own_encrypts_the_tape_and_the_box_may_use_it_alone() -> None:
    encryption = properties("data", "DataBucket")["BucketEncryption"]
    key = {"KmsKeyArn": "arn:key", "HasKey": "1"}
    [rule] = fill(encryption, key)["ServerSideEncryptionConfiguration"]
    assert {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:key"} == (
        rule["ServerSideEncryptionByDefault"]
    )
    assert rule["BucketKeyEnabled"] is True
    [plain] = fill(encryption, {})["ServerSideEncryptionConfiguration"]
    assert "AES256" == plain["ServerSideEncryptionByDefault"]["SSEAlgorithm"]
    for given in ({}, key):
        own = policies_of("collector", "Role", {**GIVEN, **given})
        of_keys = [s["Resource"] for s in own if "kms:Decrypt" in many(s["Action"])]
        assert (["arn:key"] if given else []) == of_keys
