"""What the engine asks, handed to the resource type that is meant."""

from pulumi.provider.experimental import provider as sdk

from providers.host import connection, schema, wire
from providers.host.client import Worker
from providers.host.errors import HostError
from providers.host.kinds import Kind, Way
from providers.host.network_policy import NetworkPolicyKind
from providers.host.network_watch import NetworkWatchKind
from providers.host.ssh_server import SshServerKind

KINDS: tuple[type[Kind], ...] = (NetworkPolicyKind, NetworkWatchKind, SshServerKind)
"""Every resource type of this provider."""


class HostProvider(sdk.Provider):
    """Answers the engine. The host is contacted by create, update, read, delete and diff; a preview only reads.

    Args:
        worker: who does things on the host.

    Attributes:
        way: to the host.
    """

    def __init__(self, worker: Worker | None = None) -> None:
        self.way = Way(worker or Worker())
        self._kinds = {kind.type_name: kind(self.way) for kind in KINDS}

    async def get_schema(self, request: sdk.GetSchemaRequest) -> sdk.GetSchemaResponse:
        """The package schema, for `pulumi import` and `pulumi package get-schema`."""
        if request.version != 0:
            raise HostError(f"twin-host knows version 0 of the schema format, not {request.version}")
        return sdk.GetSchemaResponse(schema.text())

    async def check_config(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Refuse wrong provider settings, all at once."""
        given = wire.plain(request.new_inputs)
        settings: dict[str, object] = {name: given.get(name) for name in request.new_inputs}
        failures = [sdk.CheckFailure(name, text) for name, text in connection.problems(settings)]
        return sdk.CheckResponse(inputs=request.new_inputs, failures=failures)

    async def configure(self, request: sdk.ConfigureRequest) -> sdk.ConfigureResponse:
        """Remember where the host is; nothing is contacted."""
        self.way.configure(request.args)
        return sdk.ConfigureResponse(supports_preview=True)

    async def check(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Refuse wrong inputs, all at once, and fill in the defaults."""
        return await self._kind(request.urn).check(request)

    async def diff(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Compare what the program wants with what was recorded, and this with the host."""
        return await self._kind(request.urn).diff(request)

    async def create(self, request: sdk.CreateRequest) -> sdk.CreateResponse:
        """Put a resource in force."""
        return await self._kind(request.urn).create(request)

    async def update(self, request: sdk.UpdateRequest) -> sdk.UpdateResponse:
        """Put a changed resource in force, in place."""
        return await self._kind(request.urn).update(request)

    async def read(self, request: sdk.ReadRequest) -> sdk.ReadResponse:
        """What is really on the host; no id when nothing of it is there."""
        return await self._kind(request.urn).read(request)

    async def delete(self, request: sdk.DeleteRequest) -> None:
        """Take away what is ours and nothing else."""
        await self._kind(request.urn).delete(request)

    async def cancel(self) -> None:
        """Give up what is under way; whatever it was, the next run repeats it."""
        await self.way.worker.end()

    def _kind(self, urn: str) -> Kind:
        """The resource type in a URN: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`."""
        name = urn.split("::")[2].rpartition("$")[2]
        if name not in self._kinds:
            raise HostError(f"twin-host has no resource {name}; it has {', '.join(sorted(self._kinds))}")
        return self._kinds[name]
