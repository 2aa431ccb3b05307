"""The resource `twin-host:index:SshServer`: what the engine asks about the host's sshd, answered."""

from collections.abc import Mapping

from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

from providers.host import sshd, wire
from providers.host.errors import HalfDoneError, HostError
from providers.host.kinds import InitFailedError, Kind
from providers.host.messages import Request, Verb
from providers.host.sshd import SshServer

RESOURCE_ID = "sshd"
"""The one id: a host has one sshd."""


class SshServerKind(Kind):
    """The host's sshd, by a drop-in of ours."""

    type_name = "twin-host:index:SshServer"

    async def check(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Refuse wrong inputs, all at once."""
        failures = [sdk.CheckFailure(one.name, one.text) for one in sshd.problems(wire.plain(request.new_inputs))]
        failures += [
            sdk.CheckFailure(name, f"{name} is missing") for name in sshd.INPUTS if name not in request.new_inputs
        ]
        return sdk.CheckResponse(inputs=request.new_inputs, failures=failures)

    async def diff(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Compare what the program wants with what was recorded, and this with the host."""
        new, old = wire.plain(request.new_inputs), wire.plain(request.old_state)
        changed = [name for name in sshd.INPUTS if name not in new or new[name] != old.get(name)]
        detail = {name: sdk.PropertyDiff(sdk.PropertyDiffKind.UPDATE, input_diff=True) for name in changed}
        if not changed:
            changed = await self._lost(request.old_state)
            detail = {name: sdk.PropertyDiff(sdk.PropertyDiffKind.UPDATE, input_diff=False) for name in changed}
        return sdk.DiffResponse(changes=bool(changed), diffs=changed, detailed_diff=detail)

    async def create(self, request: sdk.CreateRequest) -> sdk.CreateResponse:
        """Put the settings in force."""
        if request.preview:
            return sdk.CreateResponse(properties=_planned(request.properties))
        try:
            return sdk.CreateResponse(RESOURCE_ID, await self._apply(request.properties))
        except HalfDoneError as error:
            unknown = dict(request.properties) | {"state": PropertyValue("not finished")}
            raise InitFailedError(error, RESOURCE_ID, unknown) from error

    async def update(self, request: sdk.UpdateRequest) -> sdk.UpdateResponse:
        """Put changed settings in force, in place."""
        if request.preview:
            return sdk.UpdateResponse(_planned(request.news))
        return sdk.UpdateResponse(await self._apply(request.news))

    async def read(self, request: sdk.ReadRequest) -> sdk.ReadResponse:
        """What is really on the host; no id when our file is gone."""
        if any(name not in request.properties for name in sshd.INPUTS):
            raise HostError(f"{self.type_name} holds nothing of its own to import; `pulumi up` makes it")
        found = await self._ask("read", request.properties)
        if found is None:
            return sdk.ReadResponse()
        outputs = _outputs(found)
        return sdk.ReadResponse(RESOURCE_ID, outputs, {name: outputs[name] for name in sshd.INPUTS})

    async def delete(self, request: sdk.DeleteRequest) -> None:
        """Take our drop-in away, unless that would cut the owner off."""
        await self._ask("remove", request.properties)

    async def _lost(self, recorded: Mapping[str, PropertyValue]) -> list[str]:
        """Names of what the host no longer holds as recorded, or no longer did when it was recorded."""
        old = wire.plain(recorded)
        if old.get("state") != sshd.IN_FORCE:
            return ["state"]
        found = await self._ask("read", recorded)
        if found is None:
            return ["settings"]
        now = wire.plain(_outputs(found))
        return [name for name in now if now[name] != old.get(name)]

    async def _apply(self, inputs: Mapping[str, PropertyValue]) -> dict[str, PropertyValue]:
        found = await self._ask("apply", inputs)
        if found is None:
            raise HostError("the helper process answered without a state")
        return _outputs(found)

    async def _ask(self, verb: Verb, values: Mapping[str, PropertyValue]) -> SshServer | None:
        wanted = sshd.ssh_server(wire.plain(values))
        return (await self.way.ask(Request(verb, self.way.connection(), sshd=wanted))).sshd


def _outputs(found: SshServer) -> dict[str, PropertyValue]:
    return wire.properties(vars(found))


def _planned(inputs: Mapping[str, PropertyValue]) -> dict[str, PropertyValue]:
    return dict(inputs) | {"state": PropertyValue(UNKNOWN)}
