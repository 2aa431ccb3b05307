"""The host's sshd: what reaches the host, byte for byte. tests/deployed/test_lockout_sshd.py has real sshd read it."""

from dataclasses import replace

from tests.policy.networks import OWNER, Case
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.policy import sshd


def stack(*also: int) -> LibvirtStack:
    return replace(OWNER, stack=OWNER.stack | {"sshd": {"managed": True, "also": list(also)}}).libvirt


DROP_IN = """\
# Written by the Pulumi provider twin-host: what is edited here is undone.
ListenAddress 0.0.0.0:2200
ListenAddress [::]:2200
AuthenticationMethods publickey
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitEmptyPasswords no
PermitRootLogin prohibit-password
"""


def test_the_drop_in_is_exactly_this() -> None:
    assert sshd.drop_in(stack()) == DROP_IN


def test_a_port_besides_is_listened_on_and_labelled_like_the_first_and_only_once() -> None:
    text = sshd.drop_in(stack(2299, 2200))
    assert [line for line in text.splitlines() if line.startswith("Listen")] == [
        *("ListenAddress 0.0.0.0:2200", "ListenAddress [::]:2200"),
        *("ListenAddress 0.0.0.0:2299", "ListenAddress [::]:2299"),
    ]
    assert sshd.port_labels(stack(2299)) == {
        "twin-vpc-ssh-2200": "(portcon tcp 2200 (system_u object_r ssh_port_t ((s0) (s0))))\n",
        "twin-vpc-ssh-2299": "(portcon tcp 2299 (system_u object_r ssh_port_t ((s0) (s0))))\n",
    }


def test_an_sshd_is_left_as_it_is_unless_the_owner_says_otherwise() -> None:
    assert not Case(OWNER.network, OWNER.stack).libvirt.sshd.managed
