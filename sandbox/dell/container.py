"""The Docker container `probe`: a neighbour on docker0 to send packets from, and one published port."""

import subprocess
import tarfile
import time
from ipaddress import IPv4Address
from pathlib import Path

from sandbox.command import CommandError, run
from sandbox.dell.site import SandboxError, Site

NAME = "probe"
PUBLISHED = (8080, 80)
"""Port on the host and port in the container. Nothing listens there but what a test starts."""
_PATIENCE = 60.0
"""Seconds until the container must run after Docker does."""


def nsenter(pid: int) -> tuple[str, ...]:
    """The words that make a command run inside the host whose PID 1 is `pid`, with a plain environment."""
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    into = ("nsenter", "--target", str(pid), *["--mount", "--uts", "--ipc", "--net", "--pid", "--"])
    return (*into, "env", "-i", "HOME=/root", f"PATH={path}", "LC_ALL=C.UTF-8")


def create(site: Site, pid: int) -> None:
    """Make the container's image from this machine's static busybox, and start it for good."""
    archive = site.dell / "probe.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(_busybox(), "bin/busybox")
    with archive.open("rb") as stream:
        made = subprocess.run(
            [*nsenter(pid), "docker", "import", "-", NAME], stdin=stream, capture_output=True, check=False
        )
    if made.returncode != 0:
        raise SandboxError(f"Docker on the sandbox host took no image: {made.stderr.decode().strip()}")
    host, inside = PUBLISHED
    words = f"--name {NAME} --hostname {NAME} --restart always --stop-signal KILL --publish {host}:{inside}"
    run(
        *nsenter(pid),
        "docker",
        "run",
        "--detach",
        *words.split(),
        NAME,
        "/bin/busybox",
        "tail",
        "-f",
        "/dev/null",
    )


def wait(pid: int) -> None:
    """Wait until the container runs, as after a reboot.

    Raises:
        SandboxError: it did not within a minute.
    """
    deadline = time.monotonic() + _PATIENCE
    while find(pid) is None:
        if time.monotonic() > deadline:
            raise SandboxError("the container `probe` does not run on the sandbox host; `make down`, then `make up`")
        time.sleep(0.2)


def find(pid: int) -> tuple[Path, IPv4Address] | None:
    """The container's network namespace, a file of this machine, and its address; none when it is not running."""
    form = "{{.State.Running}} {{.NetworkSettings.SandboxKey}} {{.NetworkSettings.IPAddress}}"
    try:
        running, key, *address = run(*nsenter(pid), "docker", "inspect", "--format", form, NAME).split()
    except CommandError:
        return None
    if running != "true" or not address:
        return None
    # /var/run is a link inside the host; followed from here it would lead to this machine's own /run
    inside = Path(key.replace("/var/run/", "/run/", 1))
    return Path(f"/proc/{pid}/root") / inside.relative_to("/"), IPv4Address(address[0])


def _busybox() -> Path:
    for path in (Path("/bin/busybox"), Path("/usr/bin/busybox")):
        if path.exists():
            return path.resolve()
    raise SandboxError("no busybox on this machine; `apt-get install busybox-static`")
