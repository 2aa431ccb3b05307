"""The resource `twin-host:index:NetworkWatch`: networks and pools as they are, which pulumi-libvirt only half reads.

It makes nothing and removes nothing: pulumi-libvirt does. It looks on every run, names what somebody changed by hand,
and puts it right.
"""

from collections.abc import Mapping

from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.rpc import UNKNOWN

from providers.host import watched, wire
from providers.host.errors import HostError
from providers.host.kinds import Kind
from providers.host.messages import Request, Verb

RESOURCE_ID = "networks"
"""The one id: a host's networks are watched once."""


class NetworkWatchKind(Kind):
    """All networks and pools of a stack."""

    type_name = "twin-host:index:NetworkWatch"

    async def check(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Refuse wrong inputs, all at once."""
        failures = [sdk.CheckFailure(one.name, one.text) for one in watched.problems(wire.plain(request.new_inputs))]
        failures += [
            sdk.CheckFailure(name, f"{name} is missing") for name in watched.INPUTS if name not in request.new_inputs
        ]
        return sdk.CheckResponse(inputs=request.new_inputs, failures=failures)

    async def diff(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Compare what the program wants with what was recorded, and this with the host."""
        new, old = wire.plain(request.new_inputs), wire.plain(request.old_state)
        changed = [name for name in watched.INPUTS if name not in new or new[name] != old.get(name)]
        detail = {name: sdk.PropertyDiff(sdk.PropertyDiffKind.UPDATE, input_diff=True) for name in changed}
        if not changed:
            ill = _ill(old.get("health")) or _ill(await self._health("watch", request.old_state))
            changed = ["health"] if ill else []
            detail = {name: sdk.PropertyDiff(sdk.PropertyDiffKind.UPDATE, input_diff=False) for name in changed}
        return sdk.DiffResponse(changes=bool(changed), diffs=changed, detailed_diff=detail)

    async def create(self, request: sdk.CreateRequest) -> sdk.CreateResponse:
        """Look, and put right what is not as it should be."""
        if request.preview:
            return sdk.CreateResponse(properties=_planned(request.properties))
        return sdk.CreateResponse(RESOURCE_ID, await self._mended(request.properties))

    async def update(self, request: sdk.UpdateRequest) -> sdk.UpdateResponse:
        """Look, and put right what is not as it should be."""
        if request.preview:
            return sdk.UpdateResponse(_planned(request.news))
        return sdk.UpdateResponse(await self._mended(request.news))

    async def read(self, request: sdk.ReadRequest) -> sdk.ReadResponse:
        """What networks and pools are really like; nothing is put right."""
        if any(name not in request.properties for name in watched.INPUTS):
            raise HostError(f"{self.type_name} holds nothing of its own to import; `pulumi up` makes it")
        inputs = {name: request.properties[name] for name in watched.INPUTS}
        health = wire.property_value(await self._health("watch", request.properties))
        return sdk.ReadResponse(RESOURCE_ID, inputs | {"health": health}, inputs)

    async def delete(self, request: sdk.DeleteRequest) -> None:
        """Nothing: what is watched is somebody else's to remove."""

    async def _mended(self, inputs: Mapping[str, PropertyValue]) -> dict[str, PropertyValue]:
        return dict(inputs) | {"health": wire.property_value(await self._health("mend", inputs))}

    async def _health(self, verb: Verb, values: Mapping[str, PropertyValue]) -> Mapping[str, str]:
        wanted = watched.watched(wire.plain(values))
        return (await self.way.ask(Request(verb, self.way.connection(), watched=wanted))).health


def _ill(health: object) -> bool:
    """Whether anything is not in force."""
    return any(said != watched.IN_FORCE for said in wire.texts(health).values())


def _planned(inputs: Mapping[str, PropertyValue]) -> dict[str, PropertyValue]:
    return dict(inputs) | {"health": PropertyValue(UNKNOWN)}
