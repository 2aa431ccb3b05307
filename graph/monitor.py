"""The stand-in for the engine: it takes every registration down and answers outputs with references."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import pulumi
from google.protobuf import empty_pb2
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import mocks, rpc
from pulumi.runtime.proto import engine_pb2, resource_pb2

from graph.errors import GraphError
from graph.sdk import Shape, outputs
from twinvpc.proof.aws.resources import Reference, Resource

STACK = "pulumi:pulumi:Stack"
PROVIDER = "pulumi:providers:"

Message: TypeAlias = Any
"""A message of the engine's protocol, which carries no usable types."""


@dataclass(frozen=True)
class Secret:
    """Stands where a secret stood. Its value is kept nowhere."""

    def __str__(self) -> str:
        """Never the value."""
        return "a secret"


@dataclass(frozen=True)
class Registered:
    """One registration.

    Attributes:
        resource: type, name and inputs; a secret among them is a `Secret`.
        urn: its URN.
        custom: false for a component, which only groups others.
        provider: URN of its provider, or nothing.
        parent: URN of its parent.
        dependencies: URNs of all it waits for.
        protect: whether the engine may not delete it.
        retain: whether it is kept where it is when the stack goes.
        ignored: inputs whose changes are ignored.
    """

    resource: Resource
    urn: str
    custom: bool
    provider: str
    parent: str
    dependencies: tuple[str, ...]
    protect: bool
    retain: bool
    ignored: tuple[str, ...]


class Refusing(mocks.Mocks):
    """Nothing is ever asked of these mocks: the monitor answers before them."""

    def call(self, args: mocks.MockCallArgs) -> Message:
        """Refuse."""
        raise GraphError(f"`{args.token}` was called")

    def new_resource(self, args: mocks.MockResourceArgs) -> Message:
        """Refuse."""
        raise GraphError(f"`{args.typ}` was asked for")


class Monitor(mocks.MockMonitor):
    """Takes down what a program registers.

    Attributes:
        registered: everything but the stack itself, in the order of arrival.
        exports: what the stack exported.
        errors: why a request was refused; the program sees only that it was.
    """

    def __init__(self, stack: str, project: str) -> None:
        super().__init__(Refusing())
        self._prefix = f"urn:pulumi:{stack}::{project}"
        self.registered: list[Registered] = []
        self.exports: Mapping[str, object] = {}
        self.errors: list[str] = []

    @property
    def features(self) -> set[Message]:
        """What programs may use, secrets among it."""
        return set(cast("Message", super()).GetDeploymentInfo(None).supportedFeatures)

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """A URN as the engine makes it: with the types of all parents but the stack."""
        chain = parent.split("::")[2] if parent else STACK
        qualified = type_ if chain == STACK else f"{chain}${type_}"
        return f"{self._prefix}::{qualified}::{name}"

    def Invoke(self, request: Message) -> Message:  # noqa: N802 - the protocol's name
        """Refuse: nothing is looked up to render a stack."""
        raise self._refused(f"the program calls `{request.tok}`; a stack is rendered from the files alone: remove it")

    def ReadResource(self, request: Message) -> Message:  # noqa: N802 - the protocol's name
        """Refuse: nothing is looked up to render a stack."""
        raise self._refused(f"the program reads `{request.name}`; a stack is rendered from the files alone: remove it")

    def RegisterResource(self, request: Message) -> Message:  # noqa: N802 - the protocol's name
        """Take a registration down; answer with its inputs, and with a reference for each other output."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        try:
            added = _references(request)
        except GraphError as error:
            raise self._refused(str(error)) from None
        inputs = cast("Mapping[str, object]", rpc.deserialize_properties(request.object))
        self.registered.append(
            Registered(
                resource=Resource(request.type, request.name, {key: _open(value) for key, value in inputs.items()}),
                urn=urn,
                custom=request.custom,
                provider=(request.provider or next(iter(request.providers.values()), "")).rpartition("::")[0],
                parent=request.parent,
                dependencies=tuple(sorted(request.dependencies)),
                protect=request.protect,
                retain=request.retainOnDelete,
                ignored=tuple(request.ignoreChanges),
            )
        )
        answer = Struct()
        answer.CopyFrom(request.object)
        answer.update({key: value for key, value in added.items() if key not in inputs})
        own_id = str(Reference(request.type, request.name, "id")) if request.custom else ""
        return resource_pb2.RegisterResourceResponse(urn=urn, id=own_id, object=answer)

    def RegisterResourceOutputs(self, request: Message) -> Message:  # noqa: N802 - the protocol's name
        """Keep what the stack exports."""
        if request.urn.split("::")[2] == STACK:
            found = cast("Mapping[str, object]", rpc.deserialize_properties(request.outputs))
            self.exports = {key: _open(value) for key, value in found.items()}
        return empty_pb2.Empty()

    def _refused(self, why: str) -> GraphError:
        self.errors.append(why)
        return GraphError(why)


class Log(mocks.MockEngine):
    """Keeps what the program warned of; what a preview says besides, such as the price, is no part of a recording."""

    def __init__(self) -> None:
        super().__init__(None)
        self.messages: list[str] = []

    def Log(self, request: Message) -> None:  # noqa: N802 - the protocol's name
        """Keep a warning or an error."""
        if request.severity in {engine_pb2.WARNING, engine_pb2.ERROR}:
            self.messages.append(request.message)


def _references(request: Message) -> Mapping[str, str | list[str]]:
    """A reference for each output that the SDK's class of the type has."""
    if not request.custom or request.type.startswith(PROVIDER):
        return {}
    found: dict[str, str | list[str]] = {}
    for output, shape in outputs(request.type).items():
        # Nobody knows how many elements there will be: `[]` says so, and an export that meets it refuses.
        name = output if shape is Shape.SCALAR else f"{output}[]"
        one = str(Reference(request.type, request.name, name))
        found[output] = [one] if shape is Shape.LIST else one
    return found


def _open(value: object) -> object:
    """A value as plain data, with a mark where a secret stood."""
    if rpc.is_rpc_secret(value):
        return Secret()
    if isinstance(value, dict):
        return {key: _open(item) for key, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_open(item) for item in cast("list[object]", value)]
    if isinstance(value, pulumi.Asset | pulumi.Archive):
        raise GraphError("an asset is no plain data: give its text")
    # The protocol has one kind of number.
    return int(value) if isinstance(value, float) and value.is_integer() else value
