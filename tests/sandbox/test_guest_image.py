"""The machines' image: how it is kept, and that its disk is one a BIOS boots. That it does boot: tests/deployed/."""

import struct
from pathlib import Path

import pytest

from sandbox.command import run
from sandbox.guest import disk, image, settings

MIB = 1024 * 1024


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "proof").write_text("here\n")
    return folder


@pytest.mark.root
def test_the_disk_has_code_table_loader_and_a_file_system_that_is_sound(tmp_path: Path, tree: Path) -> None:
    made = tmp_path / "disk.raw"
    disk.write(made, tree, b"\x90" * 512, b"L" * 1000, 16)
    data = made.read_bytes()
    assert len(data) == 16 * MIB
    assert data[:440] == b"\x90" * 440
    assert data[510:512] == b"\x55\xaa"
    assert data[512:1512] == b"L" * 1000
    status, _, kind, _, first, sectors = struct.unpack("<B3sB3sII", data[446:462])
    assert (status, kind, first) == (0x80, 0x83, 2048)
    assert first + sectors > 2**31, "a machine's larger disk is all its own"
    file_system = tmp_path / "root.ext4"
    file_system.write_bytes(data[MIB:])
    run("e2fsck", "-fn", file_system)
    assert run("debugfs", "-R", "cat /proof", file_system) == "here\n"
    assert data[MIB + 1024 + 120 :].startswith(settings.LABEL.encode() + b"\0"), "by which the kernel finds it"


def test_a_loader_that_does_not_fit_is_refused(tmp_path: Path, tree: Path) -> None:
    with pytest.raises(disk.DiskError, match="fewer modules"):
        disk.write(tmp_path / "disk.raw", tree, b"", b"L" * 2048 * 512, 16)
    assert not (tmp_path / "disk.raw").exists()


def test_another_package_list_or_setting_is_another_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_VPC_CACHE", str(tmp_path))
    seen = {image.path()}
    monkeypatch.setattr(settings, "PACKAGES", (*settings.PACKAGES, "tcpdump"))
    seen.add(image.path())
    monkeypatch.setattr(disk, "LOADER", "halt")
    seen.add(image.path())
    assert len(seen) == 3
    assert {path.parent.parent for path in seen} == {tmp_path / "guest"}


@pytest.mark.sandbox
def test_the_image_is_one_file_whose_disk_has_a_size_and_nothing_else_is_kept() -> None:
    made = image.ensure()
    assert [path.name for path in made.parent.iterdir()] == [made.name]
    head = made.read_bytes()[:32]
    assert head[:4] == b"QFI\xfb"
    assert int.from_bytes(head[8:16], "big") == 0, "it needs no other file"
    assert int.from_bytes(head[24:32], "big") == image.SIZE * MIB
