"""The language host alone, asked as the engine asks it."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from sandbox.engine.ready import LANGUAGE

# grpc and the generated protocol modules carry no usable types.
Untyped: TypeAlias = Any
grpc: Untyped = importlib.import_module("grpc")
language: Untyped = importlib.import_module("pulumi.runtime.proto.language_pb2")
wiring: Untyped = importlib.import_module("pulumi.runtime.proto.language_pb2_grpc")
empty: Untyped = importlib.import_module("google.protobuf.empty_pb2")


@pytest.fixture
def stub() -> Iterator[Untyped]:
    host = subprocess.Popen(
        [sys.executable, "-I", LANGUAGE / "host.py", "127.0.0.1:1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert host.stdout is not None
    with grpc.insecure_channel(f"127.0.0.1:{int(host.stdout.readline())}") as channel:
        yield wiring.LanguageRuntimeStub(channel)
    # The engine's end of the pipe closes when the engine dies: the host must not outlive it.
    _, said = host.communicate(timeout=10)
    assert host.returncode == 0
    assert said == "", "nothing is logged, least of all a traceback"


def info(**options: str) -> Untyped:
    made = language.ProgramInfo(root_directory="/", program_directory="/", entry_point=".")
    made.options.update({"toolchain": "pip", "virtualenv": sys.prefix, **options})
    return made


def packages(stub: Untyped, **options: str) -> Untyped:
    return stub.GetRequiredPackages(language.GetRequiredPackagesRequest(info=info(**options)))


def refusal(stub: Untyped, **options: str) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        packages(stub, **options)
    error: Untyped = caught.value
    assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
    return error.details()


def test_required_packages_name_each_sdk_at_its_version(stub: Untyped) -> None:
    answer = packages(stub)
    found = [(one.name, one.kind, one.version) for one in answer.packages]
    assert sorted(found) == [("aws", "resource", "v7.51.1"), ("libvirt", "resource", "v0.5.4")]
    assert list(answer.specs) == []


def other_virtualenv(folder: Path, **said: object) -> Path:
    """A virtualenv with one SDK in it, whose interpreter only knows where its packages lie."""
    (folder / "site" / "sdk").mkdir(parents=True)
    (folder / "site" / "sdk" / "pulumi-plugin.json").write_text(json.dumps(said))
    (folder / "bin").mkdir()
    (folder / "bin" / "python").write_text(f"#!/bin/sh\necho {folder}/site\n")
    (folder / "bin" / "python").chmod(0o755)
    return folder


def test_the_programs_own_virtualenv_is_looked_at(stub: Untyped, tmp_path: Path) -> None:
    place = other_virtualenv(tmp_path, resource=True, name="other", version="v1.2.3", server="https://plugins.example")
    (one,) = packages(stub, virtualenv=str(place)).packages
    assert (one.name, one.version, one.server) == ("other", "v1.2.3", "https://plugins.example")


def test_an_sdk_without_a_plugin_asks_for_none(stub: Untyped, tmp_path: Path) -> None:
    place = other_virtualenv(tmp_path, resource=False, name="other", version="1.2.3")
    assert list(packages(stub, virtualenv=str(place)).packages) == []


def test_a_parameterised_sdk_is_refused(stub: Untyped, tmp_path: Path) -> None:
    place = other_virtualenv(tmp_path, resource=True, name="x", version="1.0.0", parameterization={"name": "y"})
    assert "sdk: parameterised packages" in refusal(stub, virtualenv=str(place))


def test_unknown_options_are_refused_all_at_once(stub: Untyped) -> None:
    text = refusal(stub, toolchain="uv", typechecker="mypy")
    assert "option typechecker, toolchain uv" in text


def test_a_missing_virtualenv_is_refused_with_the_way_out(stub: Untyped) -> None:
    assert "create it (python3 -m venv" in refusal(stub, virtualenv="no/such")


def test_what_pulumi_about_asks(stub: Untyped) -> None:
    about = stub.About(language.AboutRequest(info=info()))
    assert about.version == ".".join(str(number) for number in sys.version_info[:3])
    found = stub.GetProgramDependencies(language.GetProgramDependenciesRequest(info=info())).dependencies
    assert ("pulumi", "3.259.0") in {(one.name, one.version) for one in found}
    assert stub.GetPluginInfo(empty.Empty()).version == ""


def test_installing_installs_nothing_and_says_so(stub: Untyped) -> None:
    lines = list(stub.InstallDependencies(language.InstallDependenciesRequest(info=info())))
    assert b"nothing installed" in lines[0].stdout


def test_calls_it_does_not_know_are_refused(stub: Untyped) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.Pack(language.PackRequest())
    error: Untyped = caught.value
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED


def test_after_a_cancel_no_program_starts(stub: Untyped, tmp_path: Path) -> None:
    """Ctrl-C between loading the host and running the program."""
    stub.Cancel(empty.Empty())
    request = language.RunRequest(info=info(), pwd=str(tmp_path), project="p", stack="s")
    answer = stub.Run(request)
    assert (answer.bail, answer.error) == (True, "")
