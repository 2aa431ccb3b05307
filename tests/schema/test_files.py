"""Files that are right fit their schema; mistakes that owners make do not."""

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.model.mistakes import MISTAKES, Mistake
from tests.model.owner import NETWORK, edited
from tests.picture.drawing import twelve_files
from twinvpc.schema.generate import network_schema, stack_schema

ROOT = Path(__file__).resolve().parents[2]
NETWORK_CHECK = jsonschema.Draft7Validator(json.loads(network_schema()))
STACK_CHECK = jsonschema.Draft7Validator(json.loads(stack_schema()))
FIXTURES = sorted((ROOT / "tests" / "fixtures").rglob("*.yaml"))
OWN = [ROOT / NETWORK, *sorted(ROOT.glob("Pulumi.*.yaml"))]


class Loader(yaml.SafeLoader):
    """YAML as an editor's language server reads it: dates are texts."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in some if tag != "tag:yaml.org,2002:timestamp"]
    for first, some in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(text: str) -> object:
    return Loader(text).get_single_data()


def faults(file: str, text: str) -> list[str]:
    checker = NETWORK_CHECK if file == NETWORK else STACK_CHECK
    return [error.message for error in checker.iter_errors(read(text))]


def test_both_schemas_are_schemas() -> None:
    for checker in (NETWORK_CHECK, STACK_CHECK):
        jsonschema.Draft7Validator.check_schema(checker.schema)


@pytest.mark.parametrize("path", [*OWN, *FIXTURES], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_that_is_right_fits(path: Path) -> None:
    assert faults(path.name, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_a_file_names_its_schema_in_its_first_line(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    head, _, schema = first.partition("$schema=")
    assert head == "# yaml-language-server: "
    assert (path.parent / schema).is_file()
    assert schema.endswith("network.schema.json" if path.name == NETWORK else "stack.schema.json")


def test_twelve_segments_on_both_substrates_fit() -> None:
    network, libvirt, aws = twelve_files()
    assert not list(NETWORK_CHECK.iter_errors(network))
    for stack in (libvirt, aws):
        config = {f"twin-vpc:{key}": value for key, value in stack.items()}
        assert not list(STACK_CHECK.iter_errors({"config": config}))


STACK = "Pulumi.dell.yaml"
RIGHT = {
    "salt": (STACK, "config:\n", "encryptionsalt: v1:abc=:v1:def\nconfig:\n"),
    "pulumi's own key": (STACK, "config:\n", "config:\n  pulumi:tags: {a: b}\n"),
    "local host": (STACK, "address: 192.168.1.10", "address: local"),
    "no leases": (STACK, ", dhcp: 10.0.4.100-10.0.4.200", ", dhcp: null"),
    "tailnet": (STACK, "config:\n", "config:\n  twin-vpc:tailnet: {}\n"),
    "a number as Pulumi writes it": ("Pulumi.aws.yaml", "config:\n", 'config:\n  twin-vpc:subnet_prefix: "26"\n'),
    "one service without a list": (NETWORK, "data, internet: true", "data, internet: tcp/443"),
    "a rename": (NETWORK, "  database: {", "  database: {renamed_from: data, "),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_may_be_said_fits(name: str) -> None:
    file, old, new = RIGHT[name]
    assert faults(file, edited(file, old, new)) == []


WRONG = {
    "a key misspelt": (NETWORK, "purpose: data", "purpos: data", "purpos"),
    "a flow without services": (NETWORK, "to: host, services: host-ssh", "to: host", "services"),
    "a flow from nobody": (NETWORK, "from: public", "from: []", "[]"),
    "a service in capitals": (NETWORK, "services: host-ssh", "services: TCP/22", "TCP/22"),
    "a block without length": (NETWORK, "10.0.0.0/16", "10.0.0.0", "10.0.0.0"),
    "no segments": (NETWORK, "segments:\n", "segments: {}\nunknown:\n", "unknown"),
    "a segment in capitals": (NETWORK, "  database: {", "  Database: {", "Database"),
    "internet a word": (NETWORK, "data, internet: true", "data, internet: 'yes please'", "yes please"),
    "a domain of one label": (NETWORK, "lab.local", "lab", "lab"),
    "kind unknown": (STACK, "kind: libvirt", "kind: vmware", "vmware"),
    "kind of the other substrate": (STACK, "kind: libvirt", "kind: aws", "aws_region"),
    "sshd on 22": (STACK, "port: 2200", "port: 22", "22"),
    "a port in quotes": (STACK, "port: 2200", 'port: "2200"', "2200"),
    "a port too high": (STACK, "port: 2200", "port: 70000", "70000"),
    "the host without its LAN": (STACK, "    lan: 192.168.1.0/24\n", "", "lan"),
    "a range of one address": (STACK, "10.0.4.100-10.0.4.200", "10.0.4.100", "10.0.4.100"),
    "uplinks a text": (STACK, "uplinks: [eno1]", "uplinks: eno1", "eno1"),
    "a provider's key": (STACK, "config:\n", "config:\n  aws:region: x\n", "aws:region"),
    "a key without its prefix": (STACK, "  twin-vpc:docker:", "  docker:", "docker"),
    "a key of the top level": (STACK, "config:\n", "konfig: {}\nconfig:\n", "konfig"),
    "a folder that is not absolute": (STACK, "hdd: /data", "hdd: data", "data"),
    "a zone that is closed": ("Pulumi.aws.yaml", "ap-northeast-1c]", "ap-northeast-1b]", "ap-northeast-1b"),
    "a prefix too long": ("Pulumi.aws.yaml", "config:\n", "config:\n  twin-vpc:subnet_prefix: 30\n", "30"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_does_not_fit_and_is_named(name: str) -> None:
    file, old, new, offender = WRONG[name]
    assert any(offender in fault for fault in faults(file, edited(file, old, new)))


def seen_by_schema(mistakes: tuple[Mistake, ...]) -> Iterator[str]:
    for one in mistakes:
        try:
            if faults(one.file, edited(one.file, one.old, one.new)):
                yield one.name
        except (yaml.YAMLError, TypeError):  # an editor marks what is no YAML at all without our schema
            continue
        except ValueError as error:  # a number of thousands of digits, which the library cannot print
            if "integer string conversion" not in str(error):
                raise


def test_many_of_the_mistakes_that_the_models_refuse_are_seen_while_typing() -> None:
    seen = list(seen_by_schema(MISTAKES))
    assert len(seen) >= len(MISTAKES) // 2, f"{len(seen)} of {len(MISTAKES)}"
