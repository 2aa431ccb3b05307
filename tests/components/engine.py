"""A Pulumi engine for tests: it registers everything, provides nothing, and remembers every request."""

import contextvars
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pulumi
import pulumi.runtime
import yaml
from pulumi.runtime import mocks
from pulumi.runtime.proto import engine_pb2

from graph.running import as_setting, configure, finish

ROOT = Path(__file__).parents[2]
STACK = "pulumi:pulumi:Stack"
NETWORK = "libvirt:index/network:Network"
POOL = "libvirt:index/pool:Pool"
VOLUME = "libvirt:index/volume:Volume"
CLOUD_INIT = "libvirt:index/cloudInitDisk:CloudInitDisk"
DOMAIN = "libvirt:index/domain:Domain"
POLICY = "twin-host:index:NetworkPolicy"
WATCH = "twin-host:index:NetworkWatch"
VPC = "aws:ec2/vpc:Vpc"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
DEFAULT_ACL = "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl"
DEFAULT_TABLE = "aws:ec2/defaultRouteTable:DefaultRouteTable"
INTERNET_GATEWAY = "aws:ec2/internetGateway:InternetGateway"
SUBNET = "aws:ec2/subnet:Subnet"
ROUTE_TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
INGRESS_RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS_RULE = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
ACL = "aws:ec2/networkAcl:NetworkAcl"
ELASTIC_IP = "aws:ec2/eip:Eip"
NAT_GATEWAY = "aws:ec2/natGateway:NatGateway"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
FLOW_LOG = "aws:ec2/flowLog:FlowLog"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ROLE = "aws:iam/role:Role"
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
ACCOUNT = "123456789012"
SSHD = "twin-host:index:SshServer"

Message: TypeAlias = Any
"""A message of the engine's protocol, which carries no usable types."""
Program = Callable[[], None]
Outputs = Callable[[Mapping[str, Any]], Mapping[str, Any]]
AWS_PROVIDED: Mapping[str, Outputs] = {
    VPC: lambda _: {
        "ownerId": ACCOUNT, "defaultNetworkAclId": "acl-default", "defaultRouteTableId": "rtb-default",
        "defaultSecurityGroupId": "sg-default",
    },
    ELASTIC_IP: lambda _: {"publicIp": "203.0.113.7"},
    ENDPOINT: lambda given: {"prefixListId": "pl-s3"} if given["vpcEndpointType"] == "Gateway" else {},
    LOG_GROUP: lambda given: {"arn": f"arn:aws:logs:ap-northeast-1:{ACCOUNT}:log-group:{given['name']}"},
    ROLE: lambda given: {"arn": f"arn:aws:iam::{ACCOUNT}:role/{given['name']}"},
    **{
        token: lambda _: {}
        for token in (
            DEFAULT_GROUP, DEFAULT_ACL, DEFAULT_TABLE, INTERNET_GATEWAY, SUBNET, ROUTE_TABLE, ROUTE, ASSOCIATION, GROUP,
            INGRESS_RULE, EGRESS_RULE, ACL, NAT_GATEWAY, FLOW_LOG, ROLE_POLICY,
        )
    },
}  # fmt: skip
# What a provider adds to the inputs, by type token. A custom type that is not here is refused.
PROVIDED: Mapping[str, Outputs] = {
    NETWORK: lambda _: {},
    POOL: lambda _: {"capacity": 1, "allocation": 0, "available": 1},
    VOLUME: lambda _: {},
    CLOUD_INIT: lambda _: {},
    DOMAIN: lambda _: {"arch": "x86_64"},
    WATCH: lambda given: {"health": dict.fromkeys([*given["networks"], *given["pools"]], "in force")},
    SSHD: lambda _: {"state": "in force"},
    POLICY: lambda given: {"uplinksInForce": given["uplinks"] or ["eno1"], "firewalld": True},
    **AWS_PROVIDED,
}


@dataclass(frozen=True)
class Registered:
    """One resource as the program asked for it."""

    urn: str
    type: str
    name: str
    custom: bool
    inputs: Mapping[str, Any]
    parent: str
    provider: str
    dependencies: tuple[str, ...]
    aliases: tuple[str, ...]
    delete_before_replace: bool
    replace_on_changes: tuple[str, ...]
    ignore_changes: tuple[str, ...]
    protect: bool
    retain_on_delete: bool


class UnknownTypeError(Exception):
    """The program uses a type that no test provider stands for."""


class RecordingEngine(mocks.Mocks):
    """Stands for every provider; `resources` and `outputs` hold what the program registered, in order."""

    def __init__(self, provided: Mapping[str, Outputs] = PROVIDED) -> None:
        self.provided = provided
        self.resources: list[Registered] = []
        self.outputs: list[tuple[str, Mapping[str, Any]]] = []
        self.messages: list[str] = []

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise UnknownTypeError(f"function {args.token}")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if not args.custom or args.typ.startswith("pulumi:providers:"):
            return f"{args.name}-id", args.inputs
        if args.typ not in self.provided:
            raise UnknownTypeError(f"type {args.typ}")
        return f"{args.name}-id", {**args.inputs, **self.provided[args.typ](args.inputs)}

    def of(self, token: str) -> dict[str, Registered]:
        """Resources of one type by their logical names."""
        return {one.name: one for one in self.resources if one.type == token}

    @property
    def exports(self) -> Mapping[str, Any]:
        """What the stack exported."""
        return next(values for urn, values in self.outputs if STACK in urn)


class _Monitor(mocks.MockMonitor):
    """The mock monitor, keeping what it leaves out: parents, providers, options, outputs of components."""

    def __init__(self, engine: RecordingEngine, stack: str) -> None:
        super().__init__(engine)
        self.engine = engine
        self.stack = stack

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """A URN as the real engine makes it: with the types of all parents but the stack."""
        chain = parent.split("::")[2] if parent else STACK
        qualified = type_ if chain == STACK else f"{chain}${type_}"
        return f"urn:pulumi:{self.stack}::twin-vpc::{qualified}::{name}"

    def RegisterResource(self, request: Message) -> Message:
        answer = super().RegisterResource(request)
        if request.type != STACK:
            self.engine.resources.append(
                Registered(
                    urn=answer.urn,
                    type=request.type,
                    name=request.name,
                    custom=request.custom,
                    inputs=pulumi.runtime.rpc.deserialize_properties(request.object),
                    parent=request.parent,
                    provider=request.provider or next(iter(request.providers.values()), ""),
                    dependencies=tuple(sorted(request.dependencies)),
                    aliases=tuple(alias.spec.name for alias in request.aliases),
                    delete_before_replace=request.deleteBeforeReplace,
                    replace_on_changes=tuple(request.replaceOnChanges),
                    ignore_changes=tuple(request.ignoreChanges),
                    protect=request.protect,
                    retain_on_delete=request.retainOnDelete,
                )
            )
        return answer

    def RegisterResourceOutputs(self, request: Message) -> Message:
        values = pulumi.runtime.rpc.deserialize_properties(request.outputs, keep_unknowns=True)
        self.engine.outputs.append((request.urn, values))
        return super().RegisterResourceOutputs(request)


class _Log(mocks.MockEngine):
    """Keeps what the program told the engine to show."""

    def __init__(self, engine: RecordingEngine) -> None:
        super().__init__(None)
        self.engine = engine

    def Log(self, request: Message) -> None:
        if request.severity != engine_pb2.DEBUG:
            self.engine.messages.append(request.message)


def run(
    program: Program,
    *,
    preview: bool = False,
    stack: str = "dell",
    config: Mapping[str, str] | None = None,
    secret_keys: tuple[str, ...] = (),
    engine: RecordingEngine | None = None,
) -> RecordingEngine:
    """Run a program to its end on an event loop and in a context of its own: nothing leaks into the next test."""
    engine = engine or RecordingEngine()

    def inside() -> None:
        monitor = _Monitor(engine, stack)
        features = set(monitor.GetDeploymentInfo(None).supportedFeatures)
        configure(monitor, _Log(engine), features, stack, preview=preview, root=str(ROOT))
        pulumi.runtime.set_all_config(dict(config or {}), list(secret_keys))
        finish(program)

    contextvars.copy_context().run(inside)
    return engine


def pulumi_config(stack: str = "dell", *, root: Path = ROOT) -> dict[str, str]:
    """A stack file's settings as Pulumi hands them to a program: text, and JSON for lists and maps."""
    given = yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    return {key: as_setting(value) for key, value in given.items()}
