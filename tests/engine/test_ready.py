"""Which way `ensure()` goes: present, else cached, else downloaded, else built. No network, no compiler here."""

import io
import os
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.engine import download as downloading
from sandbox.engine import present as presence
from sandbox.engine.parts import CLI, PLUGIN, EngineError, Part
from sandbox.engine.ready import LANGUAGE, Ways, ensure


class Recorder:
    """Stands in for the three ways and notes what was tried."""

    def __init__(self, *, installed: Path | None = None, site: bool = False, compiler: bool = True) -> None:
        self.installed, self.site, self.compiler = installed, site, compiler
        self.tried: list[tuple[str, str]] = []

    def ways(self) -> Ways:
        return Ways(present=self.present, download=self.download, build=self.build)

    def present(self, _part: Part) -> Path | None:
        return self.installed

    def download(self, part: Part, folder: Path) -> None:
        self.tried.append(("download", part.program))
        (folder / "half").write_text("")
        if not self.site:
            raise EngineError("no answer")
        (folder / part.program).write_text("official")

    def build(self, part: Part, folder: Path) -> None:
        self.tried.append(("build", part.program))
        assert not (folder / "half").exists(), "what a download left must not get into a build"
        (folder / part.program).write_text("built")
        if not self.compiler:
            raise EngineError("the compiler said no")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWIN_VPC_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_is_installed_is_taken(tmp_path: Path) -> None:
    seen = Recorder(installed=tmp_path)
    engine = ensure(seen.ways())
    assert engine.bin == tmp_path
    assert engine.way == "present on this machine (pulumi v3.259.0, libvirt plugin v0.5.4)"
    assert seen.tried == []


def test_what_can_be_downloaded_is_not_built() -> None:
    seen = Recorder(site=True)
    engine = ensure(seen.ways())
    assert engine.way == "downloaded (pulumi v3.259.0, libvirt plugin v0.5.4)"
    assert (engine.bin / "pulumi").read_text() == "official"
    assert not (engine.bin / "pulumi-language-python").exists(), "the official one comes with the official tool"
    assert {way for way, _ in seen.tried} == {"download"}


def test_a_refused_download_falls_through_to_the_build(capsys: pytest.CaptureFixture[str]) -> None:
    seen = Recorder()
    engine = ensure(seen.ways())
    assert engine.way == "built from Go modules (pulumi v3.259.0, libvirt plugin v0.5.4)"
    assert engine.plugin.read_text() == "built"
    assert os.access(engine.bin / "pulumi-language-python", os.X_OK)
    assert [way for way, _ in seen.tried] == ["download", "build", "download", "build"]
    assert "cannot be downloaded here (no answer)" in capsys.readouterr().out


def test_the_second_call_makes_nothing_and_is_quick() -> None:
    first = ensure(Recorder().ways())
    again = Recorder()
    begun = time.monotonic()
    second = ensure(again.ways())
    assert time.monotonic() - begun < 0.2
    assert again.tried == []
    assert second.way == first.way + ", cached"
    assert second.bin == first.bin


def test_a_failed_build_is_told_and_leaves_nothing_half_made(cache: Path) -> None:
    with pytest.raises(EngineError, match="the compiler said no"):
        ensure(Recorder(compiler=False).ways())
    assert list((cache / "engine" / "parts").iterdir()) == []
    assert ensure(Recorder().ways()).way.startswith("built"), "the next run starts afresh"


def test_a_changed_language_host_makes_a_new_folder_but_builds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ensure(Recorder().ways())
    copy = tmp_path / "language"
    copy.mkdir()
    for path in LANGUAGE.iterdir():
        if path.is_file():
            (copy / path.name).write_bytes(path.read_bytes())
            (copy / path.name).chmod(path.stat().st_mode)
    (copy / "program.py").write_text("# changed\n")
    monkeypatch.setattr("sandbox.engine.ready.LANGUAGE", copy)
    again = Recorder()
    second = ensure(again.ways())
    assert second.bin != first.bin
    assert again.tried == []
    assert first.bin.exists(), "a run that uses the old one is not disturbed"


def test_two_runs_at_once_build_once() -> None:
    seen = Recorder()
    original = seen.build

    def slowly(part: Part, folder: Path) -> None:
        time.sleep(0.3)
        original(part, folder)

    ways = Ways(present=seen.present, download=seen.download, build=slowly)
    engines: list[Path] = []
    threads = [threading.Thread(target=lambda: engines.append(ensure(ways).bin)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(engines) == 3
    assert len(set(engines)) == 1
    assert sorted(program for way, program in seen.tried if way == "build") == [CLI.program, PLUGIN.program]


# The environment


def test_the_environment_is_whole_and_brings_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ambient")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "ambient")
    engine = ensure(Recorder().ways())
    made = engine.environment(tmp_path / "home", tmp_path / "state", tmp_path / "pass")
    assert made["PATH"].split(":")[0] == str(engine.bin)
    assert made["PULUMI_BACKEND_URL"] == f"file://{tmp_path}/state"
    assert made["PULUMI_CONFIG_PASSPHRASE_FILE"] == str(tmp_path / "pass")
    assert made["PULUMI_SKIP_UPDATE_CHECK"] == made["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"
    ambient = {"HTTPS_PROXY", "AWS_SECRET_ACCESS_KEY", "PULUMI_CONFIG_PASSPHRASE", "PYTHONDONTWRITEBYTECODE"}
    assert not ambient & set(made)
    link = tmp_path / "home/.pulumi/plugins/resource-libvirt-v0.5.4/pulumi-resource-libvirt"
    assert link.readlink() == engine.plugin


def test_a_newer_engine_replaces_the_registered_plugin(tmp_path: Path) -> None:
    engine = ensure(Recorder().ways())
    places = (tmp_path / "home", tmp_path / "state", tmp_path / "pass")
    engine.environment(*places)
    link = tmp_path / "home/.pulumi/plugins/resource-libvirt-v0.5.4/pulumi-resource-libvirt"
    link.unlink()
    link.symlink_to("/an/older/one")
    engine.environment(*places)
    engine.environment(*places)
    assert link.readlink() == engine.plugin


# Present


def fake_pulumi(folder: Path, version: str, *, host: bool = True) -> None:
    folder.mkdir()
    names = {"pulumi": f"echo v{version}; echo asked >> {folder}/asked"} | (
        {"pulumi-language-python": ""} if host else {}
    )
    for name, text in names.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("version", "host", "fits"),
    [("3.259.0", True, True), ("3.259.7", True, True), ("3.26.0", True, False), ("3.259.0", False, False)],
)
def test_an_installed_pulumi_is_taken_when_it_speaks_our_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, *, host: bool, fits: bool
) -> None:
    fake_pulumi(tmp_path / "bin", version, host=host)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    found = [presence.present(CLI) for _ in range(2)]
    assert found == [tmp_path / "bin" if fits else None] * 2
    if host:
        assert (tmp_path / "bin" / "asked").read_text().count("asked") == 1, "its version is remembered"


def test_our_own_pulumi_on_path_does_not_count_as_installed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.mkdir()
    fake_pulumi(cache / "bin", "3.259.0")
    monkeypatch.setenv("PATH", f"{cache}/bin:{os.environ['PATH']}")
    assert presence.present(CLI) is None


def test_an_installed_plugin_is_taken_once_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    assert presence.present(PLUGIN) is None
    folder = tmp_path / "plugins" / "resource-libvirt-v0.5.4"
    folder.mkdir(parents=True)
    (folder / PLUGIN.program).write_text("")
    assert presence.present(PLUGIN) == folder
    (tmp_path / "plugins" / "resource-libvirt-v0.5.4.partial").write_text("")
    assert presence.present(PLUGIN) is None


# Download


def release(part: Part, said: str) -> io.BytesIO:
    """An archive as the site holds it: the tool's files lie in a folder `pulumi`, the plugin's do not."""
    script = f"#!/bin/sh\necho {said}\n".encode()
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        info = tarfile.TarInfo(f"pulumi/{part.program}" if part is CLI else part.program)
        info.size, info.mode = len(script), 0o755
        tar.addfile(info, io.BytesIO(script))
    data.seek(0)
    return data


def answers(monkeypatch: pytest.MonkeyPatch, what: Callable[[], object]) -> list[str]:
    """Puts an answer in the site's place; returns the addresses that will have been asked for."""
    asked: list[str] = []

    def urlopen(url: str, timeout: float) -> object:
        asked.append(url)
        assert 0 < timeout < 60, "no download may hang for ever"
        return what()

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    return asked


@pytest.mark.parametrize("part", [CLI, PLUGIN], ids=lambda part: part.title)
def test_a_release_is_unpacked_and_its_version_checked(
    part: Part, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(monkeypatch, lambda: release(part, part.value))
    downloading.download(part, tmp_path)
    assert os.access(tmp_path / part.program, os.X_OK)
    assert [path.name for path in tmp_path.iterdir()] == [part.program]
    assert asked[0].startswith("https://get.pulumi.com/releases/")
    assert f"v{part.version}-linux-" in asked[0]


def test_a_release_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, lambda: release(CLI, "v3.1.0"))
    with pytest.raises(EngineError, match=r"holds version 3\.1\.0, not 3\.259\.0"):
        downloading.download(CLI, tmp_path)


def test_a_broken_archive_is_a_refused_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, lambda: io.BytesIO(b"<html>" * 99))
    with pytest.raises(EngineError, match="pulumi: https://get"):
        downloading.download(CLI, tmp_path)


def test_a_site_that_never_answers_costs_seconds_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, lambda: time.sleep(3))
    monkeypatch.setattr(downloading, "REACH", 0.2)
    begun = time.monotonic()
    with pytest.raises(EngineError, match="no answer within"):
        downloading.download(CLI, tmp_path)
    assert time.monotonic() - begun < 1


# The command


@pytest.mark.engine
def test_the_command_says_in_one_line_which_way_it_went(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TWIN_VPC_CACHE")
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.engine"], capture_output=True, text=True, check=False, timeout=1800
    )
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("engine: ")
    assert "pulumi v3.259." in last


def test_the_command_fails_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.engine"],
        env=os.environ | {"TWIN_VPC_CACHE": str(tmp_path / "file")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("engine: ")
    assert "Traceback" not in done.stderr
