"""The owner's stack file with machines in it."""

from tests.model.owner import DELL, TEXTS

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIlpTQjRgEWUQgxY4gEczANeq1C4yTgJ7mTU4ykLJrcN owner@laptop"
SHA256 = "c3" * 32
MACHINES = f"""
  twin-vpc:images:
    debian-12: {{source: /srv/debian-12.qcow2, sha256: "{SHA256}"}}
  twin-vpc:machines:
    web-1:
      segment: public
      address: 10.0.1.10
      ssh_port: 2211
      vcpu: 2
      memory: 2 GiB
      disk: 20 GiB
      data: {{size: 50 GiB, pool: hdd}}
      image: debian-12
      pool: ssd
      user: owner
      keys: ["{KEY}"]
    db-1:
      {{segment: database, address: 10.0.3.10, ssh_port: 2251, vcpu: 4, memory: 8 GiB, disk: 40 GiB,
       image: debian-12, pool: ssd, user: owner, keys: ["{KEY}"]}}
"""


def with_machines(*changes: tuple[str, str]) -> str:
    """The stack file with two machines, and passages replaced; each stands there once."""
    plain = [line for line in TEXTS[DELL].splitlines() if not line.lstrip().startswith("#")]
    text = "\n".join(plain) + MACHINES
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        text = text.replace(old, new)
    return text
