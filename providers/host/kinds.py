"""What every resource type of this provider is to the engine, and the one way to the host that all of them share."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue

from providers.host import connection, wire
from providers.host.client import Worker
from providers.host.connection import Connection
from providers.host.errors import HalfDoneError, HostError
from providers.host.messages import Answer, Request


class InitFailedError(HostError):
    """A creation that broke off: the engine records the resource, so that `up` completes or `destroy` undoes it.

    Args:
        error: what went wrong.
        resource_id: the id to record.
        properties: what to record.
    """

    def __init__(self, error: HalfDoneError, resource_id: str, properties: Mapping[str, PropertyValue]) -> None:
        super().__init__(str(error))
        self.resource_id = resource_id
        self.properties = dict(properties)


class Way:
    """The way to the host: where it is, and who does things there.

    Args:
        worker: the child process.
    """

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._settings: Mapping[str, object] = {}

    def configure(self, settings: Mapping[str, PropertyValue]) -> None:
        """Remember where the host is; nothing is contacted."""
        self._settings = wire.plain(settings)

    def connection(self) -> Connection:
        """Where the host is.

        Raises:
            HostError: a setting is wrong, or a file to reach the host with is missing.
        """
        where = connection.connection(self._settings)
        where.require_files()
        return where

    async def ask(self, request: Request) -> Answer:
        """Have something done on the host.

        Raises:
            HostError: it did not work.
        """
        return await self.worker.ask(request)


class Kind(ABC):
    """One resource type. A preview of create and update never contacts the host; `diff` and `read` only read there.

    Args:
        way: to the host.
    """

    type_name: ClassVar[str]
    """The type, as the engine writes it."""

    def __init__(self, way: Way) -> None:
        self.way = way

    @abstractmethod
    async def check(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Refuse wrong inputs, all at once, and fill in the defaults."""

    @abstractmethod
    async def diff(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Compare what the program wants with what was recorded, and this with the host."""

    @abstractmethod
    async def create(self, request: sdk.CreateRequest) -> sdk.CreateResponse:
        """Put it in force."""

    @abstractmethod
    async def update(self, request: sdk.UpdateRequest) -> sdk.UpdateResponse:
        """Put what has changed in force, in place."""

    @abstractmethod
    async def read(self, request: sdk.ReadRequest) -> sdk.ReadResponse:
        """What is really on the host; no id when nothing is there."""

    @abstractmethod
    async def delete(self, request: sdk.DeleteRequest) -> None:
        """Take away what is ours and nothing else."""
