"""A whole life of a stack looks nothing up outside: counted on the only way out there is."""

import subprocess
from pathlib import Path

import pytest

from tests.engine.project import Project

pytestmark = [pytest.mark.engine, pytest.mark.root]

WORLD = r"""set -e
ip link set lo up
echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6
ip link add out type veth peer name far
ip link set far up
ip address add 203.0.113.2/24 dev out
ip link set out up
ip neighbour add 203.0.113.1 lladdr 02:00:00:00:00:01 dev out
ip route add default via 203.0.113.1
printf "nameserver 203.0.113.1\noptions timeout:1 attempts:1\n" > resolv.conf
mount --bind resolv.conf /etc/resolv.conf
awk '$1 == "out:" { print $11 }' /proc/net/dev >&2
"$@"
awk '$1 == "out:" { print $11 }' /proc/net/dev >&2
"""


def packets_sent(folder: Path, project: Project, script: str) -> int:
    """How many packets a shell script sends to the outside, in a network namespace of its own."""
    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", WORLD, "sh", "sh", "-c", script],
        cwd=folder,
        env=dict(project.environment),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    numbers = [int(line) for line in done.stderr.splitlines() if line.isdigit()]
    return numbers[-1] - numbers[0]


def test_nothing_is_looked_up_outside(project: Project, tmp_path: Path) -> None:
    project.program('import pulumi\npulumi.CustomResource("toy:index:Thing", "one", {"value": "x"})\n')
    life = f"cd {project.folder} && pulumi up --yes && pulumi destroy --yes --skip-preview"
    assert packets_sent(tmp_path, project, life) == 0
    assert packets_sent(tmp_path, project, "getent hosts pulumi.test || true") > 0, "the counter counts"
