"""Pulumi's configuration as the model sees it, and how its mistakes are told."""

import json
from collections.abc import Mapping
from pathlib import Path

import pulumi
import pytest

from components.config import Deployment, read_config
from tests.components.engine import ROOT, pulumi_config, run
from tests.program.main import copy
from twinvpc.model.files import load_stack
from twinvpc.model.problems import InvalidInputError


def read(config: Mapping[str, str], root: Path = ROOT, *, secret: tuple[str, ...] = ()) -> Deployment:
    found: list[Deployment] = []
    run(lambda: found.append(read_config(root)), config=config, secret_keys=secret)
    return found[0]


def refused(config: Mapping[str, str], root: Path = ROOT, *, secret: tuple[str, ...] = ()) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        read(config, root, secret=secret)
    return str(caught.value)


def test_pulumis_text_and_the_plain_file_mean_the_same() -> None:
    assert read(pulumi_config()).intent == load_stack(ROOT, "dell")


@pytest.mark.parametrize("key", ["libvirt:uri", "twin-vpc2:x", "twinvpc:kind"])
def test_a_key_of_another_namespace_is_refused_as_in_the_plain_file(key: str, tmp_path: Path) -> None:
    root = copy(tmp_path)
    with (root / "Pulumi.dell.yaml").open("a") as file:
        file.write(f"  {key}: x\n")
    assert f"key '{key}'" in refused(pulumi_config(root=root), root)
    with pytest.raises(InvalidInputError, match=f"key '{key}'"):
        load_stack(root, "dell")


def test_pulumis_own_settings_are_left_to_pulumi() -> None:
    assert read({**pulumi_config(), "pulumi:tags": "{}"}) == read(pulumi_config())


def test_a_key_nobody_knows_is_refused_with_its_name() -> None:
    said = refused({**pulumi_config(), "twin-vpc:segmnets": "{}"})
    assert "Pulumi.dell.yaml" in said
    assert "unknown key `segmnets`" in said
    assert "1 problem" in said


def test_a_secret_is_refused_and_its_text_never_shown() -> None:
    config = {**pulumi_config(), "twin-vpc:docker": json.dumps({"pool": "hunter2"})}
    said = refused(config, secret=("twin-vpc:docker",))
    assert "`docker` is a secret" in said
    assert "1 problem" in said, "it is not told as missing too"
    assert "hunter2" not in said


@pytest.mark.parametrize("text", ["[unclosed", "a: b: c", "'", "2026-99-99", "!!python/object:os.system x"])
def test_text_that_is_no_yaml_is_a_problem_and_not_a_traceback(text: str) -> None:
    said = refused({**pulumi_config(), "twin-vpc:pools": text})
    assert "1 problem" in said
    assert "pools" in said


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    root = copy(tmp_path)
    (root / "addresses.lock.json").write_text("{}")
    (root / "network.yaml").write_text((root / "network.yaml").read_text().replace("cidr: 10.0.0.0/16", "cidr: 10"))
    said = refused({**pulumi_config(), "twin-vpc:extra": "1"}, root)
    for file in ("addresses.lock.json", "network.yaml", "Pulumi.dell.yaml"):
        assert file in said


def test_lines_are_told_where_the_file_says_what_pulumi_gave(tmp_path: Path) -> None:
    root = copy(tmp_path)
    path = root / "Pulumi.dell.yaml"
    path.write_text(path.read_text().replace("port: 2200", "port: 22"))
    line = 1 + next(n for n, text in enumerate(path.read_text().splitlines()) if "port: 22" in text)
    assert f"Pulumi.dell.yaml:{line}  host.port" in refused(pulumi_config(root=root), root)


def test_no_line_is_invented_for_a_setting_from_elsewhere(tmp_path: Path) -> None:
    root = copy(tmp_path)
    host = json.loads(pulumi_config()["twin-vpc:host"]) | {"port": 22}
    said = refused({**pulumi_config(), "twin-vpc:host": json.dumps(host)}, root)
    assert "Pulumi.dell.yaml  host.port" in said


def test_addresses_that_are_not_recorded_are_refused(tmp_path: Path) -> None:
    root = copy(tmp_path)
    lock = json.loads((root / "addresses.lock.json").read_text())
    del lock["stacks"]["dell"]["blocks"]["public"]
    (root / "addresses.lock.json").write_text(json.dumps(lock))
    said = refused(pulumi_config(), root)
    assert "`public` is not recorded" in said
    assert "make lock-addresses" in said


def test_a_stack_without_a_file_is_told_what_it_lacks() -> None:
    assert "kind" in refused({})
