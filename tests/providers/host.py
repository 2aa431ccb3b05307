"""The provider as Pulumi's laptop runs it, against the sandbox host, and the host seen from inside."""

import asyncio
import difflib
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import pytest
from pulumi.provider.experimental import provider as sdk

from providers.host import wire
from providers.host.client import COMMAND, Worker
from providers.host.provider import HostProvider
from sandbox.dell.world import World, in_dell, laptop, settled
from tests.providers.samples import configure, create, delete, inputs, read, update

T = TypeVar("T")


class Host:
    """The provider as Pulumi's laptop runs it, and the host from inside."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.worker = COMMAND
        self.settings: dict[str, object] = {
            "address": "192.168.1.10",
            "port": "2200",
            "user": "root",
            "keyFile": str(world.key),
            "knownHosts": str(world.known_hosts),
        }

    def call(self, work: Callable[[HostProvider], Awaitable[T]]) -> T:
        """One call in a process of its own, as one `pulumi` run is."""

        async def whole() -> T:
            worker = Worker((*laptop(self.world), *self.worker))
            provider = HostProvider(worker)
            await provider.configure(configure(**self.settings))
            try:
                return await work(provider)
            finally:
                await worker.end()

        return asyncio.run(whole())

    def create(self, **changed: object) -> dict[str, object]:
        return wire.plain(self.call(lambda provider: provider.create(create(inputs(**changed)))).properties)

    def update(self, olds: Mapping[str, object], **changed: object) -> dict[str, object]:
        order = update(wire.properties(olds), inputs(**changed))
        return wire.plain(self.call(lambda provider: provider.update(order)).properties)

    def read(self, olds: Mapping[str, object]) -> sdk.ReadResponse:
        return self.call(lambda provider: provider.read(read(olds)))

    def delete(self, olds: Mapping[str, object]) -> None:
        self.call(lambda provider: provider.delete(delete(olds)))

    def sh(self, command: str) -> str:
        return in_dell(self.world, "sh", "-c", command)

    def drift(self, olds: Mapping[str, object]) -> dict[str, object]:
        """What a refresh would show."""
        found = wire.plain(self.read(olds).properties)
        return {name: value for name, value in found.items() if value != olds.get(name)}

    def snapshot(self) -> dict[str, str]:
        """All of the host that is not ours, counters and handles aside."""
        settled(self.world)
        asked = {
            "tables": "nft --stateless list ruleset | sed '/^table inet twin_vpc/,/^}/d' | sort",
            "rules": "ip rule; ip -6 rule",
            "zones": "firewall-cmd --list-all-zones; firewall-cmd --list-all-policies",
            "firewalld": "find /etc/firewalld -type f | sort | xargs sha256sum",
            "sysctl files": "ls /etc/sysctl.d; sysctl -n net.ipv4.ip_forward net.ipv4.conf.all.rp_filter",
            "unit files": "find /etc/systemd/system | sort",
            "units": "systemctl list-units --no-legend --plain --state=active | cut -d' ' -f1",
            "etc": "ls -A /etc /run | grep -v '^resolv\\|^mtab'",
            "processes": "ps -eo args --no-headers | grep -c '[t]win-vpc' || true",
        }
        volatile = re.compile(
            r"^(session-\d+.scope|libvirtd.*|user.*|run-u.*|systemd-(tmpfiles|hostnamed|localed|timedated).*)$"
        )
        return {
            name: "\n".join(line for line in self.sh(command).splitlines() if not volatile.match(line))
            for name, command in asked.items()
        }

    def assert_as(self, before: Mapping[str, str]) -> None:
        """The rest of the host is as before; Docker gets a moment to make its chains again after a firewalld reload."""
        after: Mapping[str, str] = {}
        for _ in range(20):
            after = self.snapshot()
            if after == before:
                return
            time.sleep(0.3)
        lines = [
            line
            for name in before
            for line in difflib.unified_diff(before[name].splitlines(), after[name].splitlines(), name, "after", n=1)
        ]
        pytest.fail("\n".join(lines))
