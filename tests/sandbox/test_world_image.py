"""How the host's image is kept, without building one; and what the built one must not hold."""

import threading
import time
from pathlib import Path

import pytest

from sandbox import debian
from sandbox.dell import image, packages


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWIN_VPC_CACHE", str(tmp_path))
    return tmp_path


def test_a_failed_build_leaves_no_tree_and_the_next_call_starts_afresh(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(root: Path) -> None:
        root.mkdir()
        (root / "half").touch()
        raise RuntimeError("killed")

    monkeypatch.setattr(image, "_build", fails)
    with pytest.raises(RuntimeError, match="killed"):
        image.ensure()
    assert not image.tree().exists()

    monkeypatch.setattr(image, "_build", lambda root: root.mkdir())
    made = image.ensure()
    assert made.is_relative_to(cache)
    assert list(made.iterdir()) == [], "the half tree was built upon"


def test_two_at_once_build_it_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Path] = []

    def slow(root: Path) -> None:
        time.sleep(0.2)
        root.mkdir()
        built.append(root)

    monkeypatch.setattr(image, "_build", slow)
    both = [threading.Thread(target=image.ensure) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(built) == 1
    assert image.tree().parent.parent == cache


def test_another_package_list_is_another_image(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = image.tree()
    monkeypatch.setattr(image, "IMAGE_PACKAGES", (*packages.IMAGE_PACKAGES, "tcpdump"))
    assert image.tree() != before
    assert image.tree().parent == cache / "host"


@pytest.mark.parametrize(
    ("said", "mirror"),
    [
        ("Debian bookworm main http://deb.example.test/debian/\n", ["http://deb.example.test/debian/"]),
        ("Debian bookworm-updates main http://deb.example.test/debian/\n", []),
        ("Ubuntu noble main http://archive.example.test/ubuntu/\n", []),
        ("$(ORIGIN) bookworm main http://deb.example.test/debian/\n", []),
        ("", []),
    ],
)
def test_the_mirror_is_the_machines_own_or_debootstraps_default(
    said: str, mirror: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian, "run", lambda *_: said)
    assert debian.mirror() == mirror


@pytest.mark.parametrize(
    ("said", "proxy"), [("P='http://10.1.1.1:3142'\n", {"http_proxy": "http://10.1.1.1:3142"}), ("", {})]
)
def test_the_proxy_is_the_machines_own(said: str, proxy: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "run", lambda *_: said)
    assert debian.proxy() == proxy


@pytest.mark.sandbox
def test_the_image_holds_nothing_of_the_machine_that_built_it() -> None:
    root = image.ensure()
    assert not (root / "etc/apt/sources.list").exists()
    assert [path.name for path in (root / "etc/apt/sources.list.d").iterdir()] == []
    settings = (path.read_text() for path in (root / "etc/apt/apt.conf.d").iterdir())
    assert not any("http" in text.lower() for text in settings)
    assert not list((root / "etc/ssh").glob("ssh_host_*"))
    assert not (root / "usr/sbin/policy-rc.d").exists()
    assert not (root / "var/lib/apt/lists").exists()
    for name in ("etc/machine-id", "etc/resolv.conf", "etc/hostname"):
        assert (root / name).read_text() == ""


@pytest.mark.sandbox
def test_the_image_has_every_package_and_the_owners_programs() -> None:
    root = image.ensure()
    installed = {
        block.split("\n", 1)[0]
        for block in (root / "var/lib/dpkg/status").read_text().split("Package: ")[1:]
        if "Status: install ok installed" in block
    }
    assert set(packages.IMAGE_PACKAGES) <= installed
    for name in ("usr/sbin/libvirtd", "usr/sbin/dockerd", "usr/sbin/firewalld", "usr/bin/qemu-system-x86_64"):
        assert (root / name).is_file(), name
