# ruff: noqa: ARG001, PLR0917 # moto hands over what it likes, by place
"""moto's server, taught what our stacks use and moto 5.2.1 drops without a word.

Each type that it lacks is made by boto3 against the same server, so that botocore judges every
name and type of a property; what moto makes by halves is completed.
Start it: python -m tests.deploy.moto_more PORT [HOST]
"""

import copy
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto.cloudformation import models as stacks
from moto.cloudformation import parsing
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.common_models import CloudFormationModel
from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance
from moto.iam.models import Role
from moto.s3.models import FakeBucket
from moto.server import ThreadedMotoServer
from moto.ssm.models import Document, SimpleSystemManagerBackend

# The folder in which a command of a document runs; without it moto's own answer stands.
AGENT_VARIABLE = "BOOKTAPE_TEST_AGENT"
OUTPUT_CHARACTERS_MAX = 24_000  # of a command, as Systems Manager keeps it
endpoint = ""

Values = dict[str, Any]
Connect = Callable[[str], Any]


def connect_in(region: str) -> Connect:
    """Return what makes a client of this very server."""
    session: Any = boto3.session.Session()
    return lambda service: session.client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )


# --- types that moto lacks ------------------------------------------------------------------------


def register(
    kind: str,
    make: Callable[[Connect, str, Values], tuple[str, Values]],
    remove: Callable[[Connect, str, Values], object],
) -> None:
    """Add a type to moto's registry, which knows the direct subclasses of its model."""

    def create(
        cls: Any,
        resource_name: str,
        cloudformation_json: Values,
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> Any:
        own = {k: v for k, v in cloudformation_json.get("Properties", {}).items() if v is not None}
        made = cls()
        made.physical_resource_id, made.attributes = make(
            connect_in(region_name), resource_name, own
        )
        made.delete = lambda *_: _remove(remove, region_name, made.physical_resource_id, own)
        made.own = own
        return made

    def update(
        cls: Any,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Values,
        account_id: str,
        region_name: str,
    ) -> Any:
        original_resource.delete()
        return cls.create_from_cloudformation_json(
            new_resource_name, cloudformation_json, account_id, region_name
        )

    def delete(
        cls: Any, resource_name: str, cloudformation_json: Values, account_id: str, region_name: str
    ) -> None:
        _remove(remove, region_name, resource_name, cloudformation_json.get("Properties", {}))

    _add_type(kind, create, update, delete)


def _add_type(kind: str, create: Any, update: Any, delete: Any) -> None:
    """Make a class of what moto wants one for; it finds it among the subclasses of its model."""
    type(
        kind.replace("::", ""),
        (CloudFormationModel,),
        {
            "__module__": "moto.more.models",  # moto reads the service's name from it
            "cloudformation_type": staticmethod(lambda: kind),
            "cloudformation_name_type": staticmethod(lambda: ""),
            "create_from_cloudformation_json": _of_class(create),
            "update_from_cloudformation_json": _of_class(update),
            "delete_from_cloudformation_json": _of_class(delete),
            "has_cfn_attr": classmethod(lambda _, __: True),
            "get_cfn_attribute": lambda self, name: self.attributes[name],
            "is_created": lambda _: True,
        },
    )


def _of_class(function: Any) -> Any:
    """Return a class method; typed by nobody, as all that moto has."""
    return classmethod(function)


def _remove(
    remove: Callable[[Connect, str, Values], object], region: str, name: str, own: Values
) -> None:
    try:
        remove(connect_in(region), name, own)
    except ClientError as error:  # moto has no order of deletion: its parent may be gone
        if "NotFound" not in str(error) and "NoSuch" not in str(error):
            raise


def make_alarm(connect: Connect, _: str, own: Values) -> tuple[str, Values]:
    connect("cloudwatch").put_metric_alarm(**own)
    return own["AlarmName"], {}


def make_bucket_policy(connect: Connect, _: str, own: Values) -> tuple[str, Values]:
    # moto refuses by a policy without looking at its conditions: what is refused only under one
    # would always be. It is kept beside, for the tests to judge by.
    text = json.dumps(own["PolicyDocument"])
    connect("ssm").put_parameter(
        Name=f"/policy/{own['Bucket']}", Value=text, Type="String", Overwrite=True
    )
    return own["Bucket"], {}


def make_provider(connect: Connect, _: str, own: Values) -> tuple[str, Values]:
    made = connect("iam").create_open_id_connect_provider(
        Url=own["Url"], ClientIDList=own["ClientIdList"]
    )
    return made["OpenIDConnectProviderArn"], {"Arn": made["OpenIDConnectProviderArn"]}


def make_topic_policy(connect: Connect, name: str, own: Values) -> tuple[str, Values]:
    for topic in own["Topics"]:
        text = json.dumps(own["PolicyDocument"])
        connect("sns").set_topic_attributes(
            TopicArn=topic, AttributeName="Policy", AttributeValue=text
        )
    return name, {}


def make_subscription(connect: Connect, _: str, own: Values) -> tuple[str, Values]:
    return connect("sns").subscribe(**own)["SubscriptionArn"], {}


def make_budget(connect: Connect, _: str, own: Values) -> tuple[str, Values]:
    budget = copy.deepcopy(own["Budget"])
    budget["BudgetLimit"] = {key: str(value) for key, value in budget["BudgetLimit"].items()}
    connect("budgets").create_budget(
        AccountId=_account(connect),
        Budget=budget,
        NotificationsWithSubscribers=own["NotificationsWithSubscribers"],
    )
    return budget["BudgetName"], {}


def make_database(connect: Connect, _: str, own: Values) -> tuple[str, Values]:
    connect("glue").create_database(DatabaseInput=own["DatabaseInput"])
    return own["DatabaseInput"]["Name"], {}


def make_table(connect: Connect, _: str, own: Values) -> tuple[str, Values]:
    connect("glue").create_table(DatabaseName=own["DatabaseName"], TableInput=own["TableInput"])
    return own["TableInput"]["Name"], {}


def make_workgroup(connect: Connect, _: str, own: Values) -> tuple[str, Values]:
    connect("athena").create_work_group(
        Name=own["Name"], Configuration=own["WorkGroupConfiguration"]
    )
    return own["Name"], {}


def _account(connect: Connect) -> str:
    account: str = connect("sts").get_caller_identity()["Account"]
    return account


def register_all() -> None:
    """Add every type that our stacks use and moto lacks."""
    register(
        "AWS::CloudWatch::Alarm",
        make_alarm,
        lambda c, n, _: c("cloudwatch").delete_alarms(AlarmNames=[n]),
    )
    register(
        "AWS::S3::BucketPolicy",
        make_bucket_policy,
        lambda c, n, _: c("ssm").delete_parameter(Name=f"/policy/{n}"),
    )
    register(
        "AWS::IAM::OIDCProvider",
        make_provider,
        lambda c, n, _: c("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=n),
    )
    register("AWS::SNS::TopicPolicy", make_topic_policy, lambda *_: None)
    register(
        "AWS::SNS::Subscription",
        make_subscription,
        lambda c, n, _: c("sns").unsubscribe(SubscriptionArn=n),
    )
    register(
        "AWS::Budgets::Budget",
        make_budget,
        lambda c, n, _: c("budgets").delete_budget(AccountId=_account(c), BudgetName=n),
    )
    register(
        "AWS::Glue::Database", make_database, lambda c, n, _: c("glue").delete_database(Name=n)
    )
    register(
        "AWS::Glue::Table",
        make_table,
        lambda c, n, p: c("glue").delete_table(DatabaseName=p["DatabaseName"], Name=n),
    )
    register(
        "AWS::Athena::WorkGroup",
        make_workgroup,
        lambda c, n, _: c("athena").delete_work_group(WorkGroup=n, RecursiveDeleteOption=True),
    )
    for cached in (parsing.get_model_list, parsing.get_model_map, parsing.get_name_type_map):
        cached.cache_clear()


# --- what moto makes by halves --------------------------------------------------------------------


def complete_buckets() -> None:
    """Give a bucket its versioning, ownership, public access block and lifecycle too."""
    create = FakeBucket.create_from_cloudformation_json.__func__

    def complete(
        cls: Any,
        resource_name: str,
        cloudformation_json: Values,
        account_id: str,
        region_name: str,
        **more: Any,
    ) -> Any:
        bucket = create(cls, resource_name, cloudformation_json, account_id, region_name, **more)
        configure_bucket(connect_in(region_name), bucket.name, cloudformation_json["Properties"])
        return bucket

    def update(
        cls: Any,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Values,
        account_id: str,
        region_name: str,
    ) -> Any:
        own = cloudformation_json["Properties"]
        assert own["BucketName"] == original_resource.name  # it would be another bucket
        configure_bucket(connect_in(region_name), original_resource.name, own)
        return original_resource

    FakeBucket.create_from_cloudformation_json = _of_class(complete)
    FakeBucket.update_from_cloudformation_json = _of_class(update)


def configure_bucket(connect: Connect, name: str, own: Values) -> None:
    """Do what moto leaves out of a bucket's properties."""
    s3 = connect("s3")
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=own["VersioningConfiguration"])
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=own["OwnershipControls"])
    block = {
        key: str(value).lower() == "true"
        for key, value in own["PublicAccessBlockConfiguration"].items()
    }
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    rules = [translate_rule(rule) for rule in own["LifecycleConfiguration"]["Rules"] if rule]
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": rules})


def translate_rule(rule: Values) -> Values:
    """Return a lifecycle rule of CloudFormation as S3 takes it."""
    made: Values = {"ID": rule["Id"], "Status": rule["Status"]}
    chosen: Values = {"Prefix": rule.get("Prefix", "")}
    if "ObjectSizeGreaterThan" in rule:
        chosen = {"And": {**chosen, "ObjectSizeGreaterThan": int(rule["ObjectSizeGreaterThan"])}}
    made["Filter"] = chosen
    for name in ("AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration"):
        if name in rule:
            made[name] = {key: int(value) for key, value in rule[name].items()}
    if "ExpiredObjectDeleteMarker" in rule:
        made["Expiration"] = {"ExpiredObjectDeleteMarker": bool(rule["ExpiredObjectDeleteMarker"])}
    if "ExpirationInDays" in rule:
        made["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    if "Transitions" in rule:
        made["Transitions"] = [
            {"Days": int(t["TransitionInDays"]), "StorageClass": t["StorageClass"]}
            for t in rule["Transitions"]
        ]
    return made


def complete_instances() -> None:
    """Start an instance from its launch template; replace it, new one first, when it changes."""

    def create(
        cls: Any,
        resource_name: str,
        cloudformation_json: Values,
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> Any:
        template = {
            key: str(value)
            for key, value in cloudformation_json["Properties"]["LaunchTemplate"].items()
        }
        ec2 = connect_in(region_name)("ec2")
        [made] = ec2.run_instances(MinCount=1, MaxCount=1, LaunchTemplate=template)["Instances"]
        instance = ec2_backends[account_id][region_name].get_instance(made["InstanceId"])
        instance.launched_from = template
        return instance

    def update(
        cls: Any,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Values,
        account_id: str,
        region_name: str,
    ) -> Any:
        template = {
            key: str(value)
            for key, value in cloudformation_json["Properties"]["LaunchTemplate"].items()
        }
        if template == original_resource.launched_from:
            return original_resource
        # The old one stays: UpdateReplacePolicy is Retain, which test_templates.py asserts.
        return create(cls, new_resource_name, cloudformation_json, account_id, region_name)

    Instance.create_from_cloudformation_json = _of_class(create)
    Instance.update_from_cloudformation_json = _of_class(update)
    # Likewise DeletionPolicy.
    Instance.delete_from_cloudformation_json = classmethod(lambda *_: None)


def complete_documents() -> None:
    """Take a document's content as the object that CloudFormation hands over."""
    create = Document.create_from_cloudformation_json.__func__

    def complete(
        cls: Any,
        resource_name: str,
        cloudformation_json: Values,
        account_id: str,
        region_name: str,
        **more: Any,
    ) -> Any:
        given = json.loads(json.dumps(cloudformation_json, default=str))
        given["Properties"]["Content"] = json.dumps(given["Properties"]["Content"])
        return create(cls, resource_name, given, account_id, region_name, **more)

    Document.create_from_cloudformation_json = _of_class(complete)


def complete_roles() -> None:
    """Keep an inline policy as JSON; moto writes down Python's spelling of it."""
    put = Role.put_policy
    Role.put_policy = lambda self, name, text: put(
        self, name, text if isinstance(text, str) else json.dumps(text)
    )


def complete_change_sets() -> None:
    """Give a stack its outputs after a change set, and answer an empty one as AWS does."""
    execute = stacks.CloudFormationBackend.execute_change_set

    def complete(self: Any, change_set_name: str, stack_name: str | None = None) -> None:
        execute(self, change_set_name, stack_name)
        for change_set in self.change_sets.values():
            if change_set_name in {change_set.change_set_name, change_set.change_set_id}:
                stack = self.stacks[change_set.stack_id]
                stack.template_dict = change_set.template_dict
                stack.parameters = {**stack.parameters, **change_set.parameters}
                stack.output_map = stack._create_output_map()

    stacks.CloudFormationBackend.execute_change_set = complete
    CloudFormationResponse._validate_different_update = lambda *_: None
    stacks.Stack.has_parameters = lambda self, other: all(
        str(self.stack_parameters.get(key)) == str(value) for key, value in other.items()
    )


def complete_differences() -> None:
    """Find what a changed parameter touches; moto sees only a plain Ref of it."""
    compare = parsing.ResourceMap.build_resource_diff

    def complete(self: Any, other_template: Values, parameters: Values | None = None) -> Values:
        actions: Values = compare(self, other_template, parameters)
        every, conditions = other_template["Resources"], other_template.get("Conditions", {})
        defaults = {
            key: value.get("Default") for key, value in other_template.get("Parameters", {}).items()
        }
        old = {**defaults, **(self.input_parameters or {})}
        changed = {
            key for key, value in (parameters or {}).items() if str(value) != str(old.get(key))
        }
        touched = changed | set(actions["Modify"]) | set(actions["Add"])
        while True:
            more = {name for name, body in every.items() if find_names(body, conditions) & touched}
            if more <= touched:
                break
            touched |= more
        actions["Modify"] = [
            name for name in every if name in touched and name not in actions["Add"]
        ]
        return actions

    parsing.ResourceMap.build_resource_diff = complete
    update = parsing.parse_and_update_resource

    def update_if_there(name: str, body: Values, resources_map: Any, **place: str) -> Any:
        """Make what a condition has not left out before, remove what it leaves out now."""
        there = resources_map._parsed_resources.get(name)
        condition = body.get("Condition")
        if condition is not None and not resources_map.lazy_condition_map[condition]:
            return there and there.delete()
        if there is None:
            return parsing.parse_and_create_resource(name, body, resources_map, **place)
        return update(name, body, resources_map, **place)

    parsing.parse_and_update_resource = update_if_there
    clean = parsing.clean_json

    def without_nothing(node: Any, resources_map: Any) -> Any:
        """AWS::NoValue in a list must leave nothing behind."""
        cleaned = clean(node, resources_map)
        return (
            [item for item in cleaned if item is not None] if isinstance(cleaned, list) else cleaned
        )

    parsing.clean_json = without_nothing


def complete_deletions() -> None:
    """Keep what is deleted only where its creation failed; moto knows the plain Retain alone."""
    delete = parsing.ResourceMap.delete

    def complete(self: Any) -> None:
        for body in self._resource_json_map.values():
            if body.get("DeletionPolicy") == "RetainExceptOnCreate":
                body["DeletionPolicy"] = "Retain"
        delete(self)

    parsing.ResourceMap.delete = complete


def find_names(node: Any, conditions: Values) -> set[str]:
    """Return every name that a part of a template refers to."""
    if isinstance(node, list):
        return set().union(*(find_names(item, conditions) for item in node)) if node else set()
    if not isinstance(node, dict):
        return set()
    names: set[str] = set()
    for key, value in node.items():
        if key == "Ref":
            names.add(value)
        elif key == "Fn::GetAtt":
            names.add(value[0] if isinstance(value, list) else value.split(".")[0])
        elif key == "Fn::Sub":
            text = value if isinstance(value, str) else value[0]
            names |= {found.split(".")[0] for found in re.findall(r"\$\{([^!}][^}]*)\}", text)}
        elif key == "Fn::If":
            names |= find_names(conditions.get(value[0]), conditions)
        names |= find_names(value, conditions)
    return names


def complete_commands() -> None:
    """Run a document's command for real, as the agent of an instance would."""
    send = SimpleSystemManagerBackend.send_command

    def complete(self: Any, *arguments: Any, **given: Any) -> Any:
        wanted = list(given.get("instance_ids") or [])
        command = send(self, *arguments, **given)
        command.instance_ids = wanted  # moto has added every instance to the list that it was given
        command.invocations = [i for i in command.invocations if i["InstanceId"] in wanted]
        folder = os.environ.get(AGENT_VARIABLE)
        if folder:
            content = json.loads(
                self.get_document(command.document_name, None, None, "JSON")["Content"]
            )
            lines = fill_command(content, command.parameters or {})
            for invocation in command.invocations:
                invocation.update(Status="InProgress", StatusDetails="InProgress")
            arguments = (command, lines, folder, wanted)
            threading.Thread(target=run_command, args=arguments, daemon=True).start()
        return command

    SimpleSystemManagerBackend.send_command = complete


def fill_command(content: Values, given: Values) -> str:
    """Return a document's shell lines with their parameters, each of which it must allow."""
    values = {}
    for name, allowed in content["parameters"].items():
        value = given.get(name, allowed.get("default", ""))
        value = value[0] if isinstance(value, list) else value
        assert value in allowed.get("allowedValues", [value])
        assert re.search(allowed.get("allowedPattern", ""), value)
        values[name] = value
    lines = "\n".join(
        line for step in content["mainSteps"] for line in step["inputs"]["runCommand"]
    )
    return re.sub(r"\{\{ *(\w+) *\}\}", lambda found: values[found[1]], lines)


def run_command(command: Any, lines: str, folder: str, instances: list[str]) -> None:
    """Run it in the instances' folder, where /usr/local/lib is `lib`."""
    lines = lines.replace("/usr/local/lib", f"{folder}/lib")
    done = subprocess.run(
        ["bash", "-c", lines],
        cwd=folder,
        env={**os.environ, "BOOKTAPE_TEST_INSTANCE": " ".join(instances)},
        capture_output=True,
        text=True,
        check=False,
    )
    status = "Success" if done.returncode == 0 else "Failed"
    for invocation in command.invocations:
        invocation.update(
            Status=status,
            StatusDetails=status,
            ResponseCode=done.returncode,
            StandardOutputContent=done.stdout[-OUTPUT_CHARACTERS_MAX:],
            StandardErrorContent=done.stderr[-OUTPUT_CHARACTERS_MAX:],
        )
    command.status = status


def serve(port: int, host: str = "127.0.0.1") -> None:
    """Serve until the process is ended; say where."""
    global endpoint  # noqa: PLW0603 # moto makes its models by class: there is nothing to hand it to
    register_all()
    for complete in (
        complete_buckets, complete_instances, complete_documents, complete_roles,
        complete_change_sets, complete_differences, complete_commands, complete_deletions,
    ):  # fmt: skip
        complete()
    server = ThreadedMotoServer(ip_address=host, port=port, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    print(endpoint, flush=True)  # noqa: T201
    threading.Event().wait()


if __name__ == "__main__":
    serve(int(sys.argv[1]), *sys.argv[2:])
