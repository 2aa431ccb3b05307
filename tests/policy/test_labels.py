"""Labels for machines' disks: the module is compiled by the language's own compiler, over a policy of one type."""

import re
from pathlib import Path

import pytest

from sandbox.command import CommandError, run
from sandbox.dell import image
from twinvpc.policy.labels import selinux_module, unlabelled

OWNERS = ("/var/lib/libvirt/images/twin-vpc", "/data/kvm/images/twin-vpc")
# The least that secilc takes for a policy, with the type that libvirt's disks have in all of them.
BASE = """
(handleunknown allow) (mls true) (sid kernel) (sidorder (kernel)) (class file (read)) (classorder (file))
(sensitivity s0) (sensitivityorder (s0)) (category c0) (categoryorder (c0)) (sensitivitycategory s0 (c0))
(user system_u) (role object_r) (role system_r) (type kernel_t) (type virt_image_t) (roletype object_r virt_image_t)
(roletype system_r kernel_t) (roletype object_r kernel_t) (userrole system_u system_r) (userrole system_u object_r)
(userlevel system_u (s0)) (userrange system_u ((s0) (s0 (c0)))) (allow kernel_t virt_image_t (file (read)))
(sidcontext kernel (system_u system_r kernel_t ((s0) (s0))))
"""


def compiled(folder: Path, module: str) -> list[str]:
    """The lines of `file_contexts` that a module makes, as restorecon reads them."""
    (folder / "base.cil").write_text(BASE)
    (folder / "twin-vpc.cil").write_text(module)
    files = [folder / name for name in ("policy", "contexts", "base.cil", "twin-vpc.cil")]
    run("secilc", "-o", files[0], "-f", *files[1:])
    return files[1].read_text().splitlines()


@pytest.mark.engine  # secilc comes with the set-up
def test_the_owners_second_pool_is_labelled_and_the_first_one_is_already(tmp_path: Path) -> None:
    module = selinux_module(OWNERS)
    assert compiled(tmp_path, module) == ["/data/kvm/images/twin-vpc(/.*)?\tsystem_u:object_r:virt_image_t:s0"]
    assert "restorecon -R -v /data/kvm/images/twin-vpc\n" in module


@pytest.mark.engine
def test_a_damaged_module_is_refused_by_its_compiler(tmp_path: Path) -> None:
    with pytest.raises(CommandError):
        compiled(tmp_path, selinux_module(OWNERS).replace("virt_image_t", "virt_imgae_t"))


def test_a_dot_in_a_folder_means_itself() -> None:
    (line,) = [line for line in selinux_module(["/srv/vm.d"]).splitlines() if line.startswith("(")]
    pattern = line.split('"')[1]
    assert re.fullmatch(pattern, "/srv/vm.d/web.qcow2")
    assert not re.fullmatch(pattern, "/srv/vm-d/web.qcow2")


def test_only_folders_below_the_distributions_own_need_nothing() -> None:
    assert unlabelled(["/var/lib/libvirt/images", "/var/lib/libvirt/images/a", "/var/lib/libvirt/images-2"]) == (
        "/var/lib/libvirt/images-2",
    )
    assert selinux_module(["/var/lib/libvirt/images/a"]) == ""


@pytest.mark.sandbox
def test_apparmors_helper_may_read_files_named_as_our_volumes_are() -> None:
    profile = (image.ensure() / "etc/apparmor.d/usr.lib.libvirt.virt-aa-helper").read_text()
    for rule in ("/**.raw r,", "/**.qcow{,2} r,", "/**.[iI][sS][oO] r,"):
        assert rule in profile
