"""The resource `twin-host:index:NetworkPolicy`: what the engine asks about the policy, answered."""

from collections.abc import Mapping

from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

from providers.host import checks, schema, wire
from providers.host.errors import HalfDoneError, HostError
from providers.host.kinds import InitFailedError, Kind
from providers.host.messages import Request, Verb
from providers.host.policy import ENABLED, IN_FORCE, HostState, InForce, Policy

RESOURCE_ID = "twin-vpc"
"""The one id: a host has one policy."""
_UNFINISHED = "not finished"


class NetworkPolicyKind(Kind):
    """The policy of all segments."""

    type_name = "twin-host:index:NetworkPolicy"

    async def check(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Refuse wrong inputs, all at once, and fill in the defaults."""
        given = wire.plain(request.new_inputs)
        failures = [sdk.CheckFailure(problem.name, problem.text) for problem in checks.problems(given)]
        failures += [
            sdk.CheckFailure(name, f"{name} is missing") for name in checks.REQUIRED if name not in request.new_inputs
        ]
        defaults = {
            name: wire.property_value(wire.default(name)) for name in checks.KINDS if name not in checks.REQUIRED
        }
        return sdk.CheckResponse(inputs=defaults | dict(request.new_inputs), failures=failures)

    async def diff(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Compare what the program wants with what was recorded, and this with the host: a lost policy is a change."""
        new, old = wire.plain(request.new_inputs), wire.plain(request.old_state)
        changed = [
            name
            for name in checks.KINDS
            if name not in request.ignore_changes
            and (name not in new or new[name] != old.get(name, wire.default(name)))
        ]
        detail = {name: sdk.PropertyDiff(sdk.PropertyDiffKind.UPDATE, input_diff=True) for name in changed}
        for name, healthy in (("kernel", IN_FORCE), ("service", ENABLED)):
            if not str(old.get(name, "")).startswith(healthy):
                changed.append(name)
                detail[name] = sdk.PropertyDiff(sdk.PropertyDiffKind.UPDATE, input_diff=False)
        if not changed:
            changed = await self._lost(request.old_state)
            detail = {name: sdk.PropertyDiff(sdk.PropertyDiffKind.UPDATE, input_diff=False) for name in changed}
        return sdk.DiffResponse(changes=bool(changed), diffs=changed, detailed_diff=detail)

    async def create(self, request: sdk.CreateRequest) -> sdk.CreateResponse:
        """Put the policy in force."""
        if request.preview:
            return sdk.CreateResponse(properties=_planned(request.properties))
        try:
            return sdk.CreateResponse(RESOURCE_ID, await self._apply(request.properties))
        except HalfDoneError as error:
            unknown = InForce(
                uplinks=(), firewalld=False, ip_forward_before="", kernel=_UNFINISHED, service=_UNFINISHED
            )
            state = HostState(wire.to_policy(wire.plain(request.properties)), unknown)
            raise InitFailedError(error, RESOURCE_ID, wire.properties(wire.outputs_of(state))) from error

    async def update(self, request: sdk.UpdateRequest) -> sdk.UpdateResponse:
        """Put the changed policy in force, in place."""
        if request.preview:
            return sdk.UpdateResponse(_planned(request.news))
        return sdk.UpdateResponse(await self._apply(request.news))

    async def read(self, request: sdk.ReadRequest) -> sdk.ReadResponse:
        """What is really on the host; no id when nothing of ours is there."""
        policy, in_force = _recorded(request.properties)
        answer = await self.way.ask(self._request("read", policy, in_force))
        if answer.state is None:
            return sdk.ReadResponse()
        return sdk.ReadResponse(
            RESOURCE_ID,
            wire.properties(wire.outputs_of(answer.state)),
            wire.properties(wire.inputs_of(answer.state.policy)),
        )

    async def delete(self, request: sdk.DeleteRequest) -> None:
        """Take away what is ours and nothing else."""
        await self.way.ask(self._request("remove", *_recorded(request.properties)))

    async def _lost(self, recorded: Mapping[str, PropertyValue]) -> list[str]:
        """Names of what the host no longer holds as recorded; `kernel` stands for all if nothing of ours is left."""
        answer = await self.way.ask(self._request("read", *_recorded(recorded)))
        if answer.state is None:
            return ["kernel"]
        old = wire.plain(recorded)
        return [name for name, value in wire.outputs_of(answer.state).items() if value != old.get(name)]

    async def _apply(self, inputs: Mapping[str, PropertyValue]) -> dict[str, PropertyValue]:
        answer = await self.way.ask(self._request("apply", wire.to_policy(wire.plain(inputs))))
        if answer.state is None:
            raise HostError("the helper process answered without a state")
        return wire.properties(wire.outputs_of(answer.state))

    def _request(self, verb: Verb, policy: Policy | None, in_force: InForce | None = None) -> Request:
        return Request(verb, self.way.connection(), policy, in_force)


def _planned(inputs: Mapping[str, PropertyValue]) -> dict[str, PropertyValue]:
    # The engine's own sign for "not known yet": pulumi 3.259 has PropertyValue.computed(), but cannot send it.
    return dict(inputs) | {name: PropertyValue(UNKNOWN) for name in schema.OUTPUTS}


def _recorded(outputs: Mapping[str, PropertyValue]) -> tuple[Policy | None, InForce | None]:
    values = wire.plain(outputs)
    return (wire.to_policy(values), wire.to_in_force(values)) if "ruleset" in values else (None, None)
