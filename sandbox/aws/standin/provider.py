"""What the engine asks, handed to the resource type that is meant."""

import json
from collections.abc import Mapping
from typing import cast

from botocore.exceptions import BotoCoreError, ClientError
from pulumi.provider.experimental import provider as sdk

from sandbox.aws.standin import acls, gateways, groups, logs, roles, routes, vpcs
from sandbox.aws.standin.account import Account, is_missing, sentence
from sandbox.aws.standin.errors import StandinError
from sandbox.aws.standin.kind import Kind, changed
from sandbox.aws.standin.typed import UnknownTypeError, faults
from sandbox.aws.standin.values import UNKNOWN, Props, is_known, plain, properties

KINDS: tuple[type[Kind], ...] = (
    vpcs.Vpc, vpcs.Subnet, vpcs.InternetGateway,
    routes.RouteTable, routes.DefaultRouteTable, routes.Route, routes.RouteTableAssociation,
    groups.SecurityGroup, groups.DefaultSecurityGroup,
    groups.SecurityGroupIngressRule, groups.SecurityGroupEgressRule,
    acls.NetworkAcl, acls.DefaultNetworkAcl,
    gateways.Eip, gateways.NatGateway, gateways.VpcEndpoint,
    logs.LogGroup, logs.FlowLog, roles.Role, roles.RolePolicy,
)  # fmt: skip
"""Every resource type that is implemented."""

BY_TOKEN: Mapping[str, type[Kind]] = {kind.token: kind for kind in KINDS}
INPUTS = "__inputs"
"""Property of a state that names the inputs it was made from."""

_SETTINGS = frozenset(
    {"region", "defaultTags", "accessKey", "secretKey", "version"}
    | {"skipCredentialsValidation", "skipRequestingAccountId", "skipMetadataApiCheck", "skipRegionValidation"}
)


class StandIn(sdk.Provider):
    """Answers the engine for the types in `KINDS`, and refuses everything else by name."""

    def __init__(self) -> None:
        self._account: Account | None = None

    async def check_config(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Refuse provider settings that are not implemented."""
        failures = [
            sdk.CheckFailure(name, "the stand-in does not implement this setting of the provider")
            for name in sorted(request.new_inputs.keys() - _SETTINGS)
        ]
        return sdk.CheckResponse(inputs=request.new_inputs, failures=failures)

    async def diff_config(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Another region is another provider."""
        old, new = plain(request.old_state), plain(request.new_inputs)
        names = changed({n: old.get(n) for n in _SETTINGS}, {n: new.get(n) for n in _SETTINGS}) - {"version"}
        return sdk.DiffResponse(changes=bool(names), replaces=sorted(names & {"region"}), diffs=sorted(names))

    async def configure(self, request: sdk.ConfigureRequest) -> sdk.ConfigureResponse:
        """Remember region and default tags; nothing is contacted."""
        given = plain(request.args)
        tags = _mapping(_mapping(given.get("defaultTags")).get("tags"))
        self._account = Account(str(given["region"]), {key: str(value) for key, value in tags.items()})
        return sdk.ConfigureResponse(supports_preview=True)

    async def check(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Refuse what the typed classes or the stand-in do not have, and make up a name where one is needed."""
        given = plain(request.new_inputs)
        token = _token(request.urn)
        kind = _kind_of(token)
        try:
            wrong = list(faults(token, given))
        except UnknownTypeError as error:
            raise StandinError(str(error)) from None
        known = {name for name, _ in wrong}
        wrong += [
            (name, f"the stand-in does not implement this input of {token}")
            for name in sorted(given.keys() - kind.taken - known)
        ]
        if kind.named and not given.get("name"):
            given["name"] = plain(request.old_inputs).get("name") or _made_up(request)
        return sdk.CheckResponse(inputs=properties(given), failures=[sdk.CheckFailure(*fault) for fault in wrong])

    async def diff(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Compare inputs as they were with inputs as they shall be."""
        kind = _kind_of(_token(request.urn))
        names = changed(_inputs_in(plain(request.old_state)), plain(request.new_inputs)) - set(request.ignore_changes)
        return sdk.DiffResponse(
            changes=bool(names),
            replaces=sorted(names & kind.fixed),
            diffs=sorted(names),
            delete_before_replace=False,
        )

    async def create(self, request: sdk.CreateRequest) -> sdk.CreateResponse:
        """Make it, and report what the account then says of it."""
        inputs = plain(request.properties)
        if request.preview:
            return sdk.CreateResponse(properties=properties(inputs))
        kind = self._kind(request.urn)
        _require_known(request.urn, inputs)
        try:
            identity = kind.create(inputs)
            return sdk.CreateResponse(identity, properties(_state(kind, identity, inputs)))
        except (ClientError, BotoCoreError) as error:
            raise StandinError(f"{request.name}: {sentence(error)}") from None

    async def read(self, request: sdk.ReadRequest) -> sdk.ReadResponse:
        """What the account says of it now; no id when it is gone."""
        kind, old = self._kind(request.urn), plain(request.properties)
        inputs = _inputs_in(old) or plain(request.inputs)
        try:
            found = kind.read(request.resource_id, old)
        except ClientError as error:
            if not is_missing(error):
                raise StandinError(f"{request.name}: {sentence(error)}") from None
            found = None
        if found is None:
            return sdk.ReadResponse(resource_id="")
        now = {name: found.get(name, value) for name, value in inputs.items()}
        state = {**now, **found, INPUTS: sorted(inputs)}
        return sdk.ReadResponse(request.resource_id, properties(state), properties(now))

    async def update(self, request: sdk.UpdateRequest) -> sdk.UpdateResponse:
        """Change it in place, and report what the account then says of it."""
        kind, new = self._kind(request.urn), plain(request.news)
        if request.preview:
            return sdk.UpdateResponse(properties(new))
        _require_known(request.urn, new)
        old = plain(request.olds)
        try:
            kind.update(request.resource_id, _inputs_in(old), new)
            return sdk.UpdateResponse(properties(_state(kind, request.resource_id, new)))
        except (ClientError, BotoCoreError) as error:
            raise StandinError(f"{request.name}: {sentence(error)}") from None

    async def delete(self, request: sdk.DeleteRequest) -> None:
        """Take it away; what is gone already is gone."""
        try:
            self._kind(request.urn).delete(request.resource_id, plain(request.properties))
        except ClientError as error:
            if not is_missing(error):
                raise StandinError(f"{request.name}: {sentence(error)}") from None

    async def cancel(self) -> None:
        """Nothing runs in the background."""

    async def invoke(self, request: sdk.InvokeRequest) -> sdk.InvokeResponse:
        """Refuse: nothing is looked up in the account to build the network."""
        raise StandinError(
            f"{request.tok}: the program looks something up in the account; the stand-in has no functions"
        )

    def _kind(self, urn: str) -> Kind:
        if self._account is None:
            raise StandinError("the provider was not configured")
        return _kind_of(_token(urn))(self._account)


def _state(kind: Kind, identity: str, inputs: Props) -> Props:
    found = kind.read(identity, inputs)
    if found is None:
        raise StandinError(f"{kind.token} {identity} was made, and the account does not know it")
    return {**inputs, **found, INPUTS: sorted(inputs)}


def _inputs_in(state: Props) -> Props:
    names = cast("list[str]", state.get(INPUTS) or [])
    return {name: state[name] for name in names if name in state}


def _require_known(urn: str, inputs: Props) -> None:
    unknown = [name for name, value in inputs.items() if not is_known(value)]
    if unknown:
        raise StandinError(f"{urn}: {', '.join(unknown)} is still {UNKNOWN!r}")


def _token(urn: str) -> str:
    """The resource type in a URN: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`."""
    return urn.split("::")[2].rpartition("$")[2]


def _kind_of(token: str) -> type[Kind]:
    if token not in BY_TOKEN:
        raise StandinError(f"the stand-in does not implement {token}; it has {', '.join(sorted(BY_TOKEN))}")
    return BY_TOKEN[token]


def _made_up(request: sdk.CheckRequest) -> str:
    """Pulumi's own form: the resource's name, and seven digits from the engine's seed."""
    return f"{request.urn.rpartition('::')[2]}-{request.random_seed.hex()[:7]}"


def _mapping(value: object) -> Mapping[str, object]:
    """A nested setting of a provider travels as JSON text."""
    if isinstance(value, str):
        value = json.loads(value)
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}
