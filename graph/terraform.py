"""A recorded stack as Terraform JSON. Names and spelling only: what cannot be said is refused, never dropped."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from graph import sdk
from graph.errors import GraphError
from graph.monitor import Registered, Secret
from graph.record import Recording
from graph.references import references, replace
from graph.tokens import ABSENT, PROVIDERS, TARGETS, Form, Nested, Provider, Target, snake
from twinvpc.proof.aws.resources import Reference

FILE = "main.tf.json"
LEAST_TERRAFORM = ">= 1.4"
"""The first with `terraform_data`; preconditions are older."""
ACKNOWLEDGED = "i_know_that_these_networks_are_open"
GUARD = "policy_is_missing"
"""Names of the variable and of the refusal that stand in for a policy that Terraform does not have."""

Json = dict[str, object]


@dataclass(frozen=True)
class Export:
    """A stack in Terraform's words.

    Attributes:
        document: what `main.tf.json` holds.
        missing: resources without a counterpart: what each is, and its name.
        outputs_left_out: exports of the stack that only a missing resource knows.
        kept: resources that Pulumi never deletes, which Terraform cannot say.
    """

    document: Json
    missing: tuple[tuple[str, str], ...]
    outputs_left_out: tuple[str, ...]
    kept: tuple[str, ...]

    @property
    def text(self) -> str:
        """The file, byte for byte the same for the same stack."""
        return json.dumps(self.document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def export(recording: Recording) -> Export:
    """Translate a stack.

    Raises:
        GraphError: a type, property, output or value has no counterpart; everything that has none is named at once.
    """
    return _Translation(recording).whole()


class _Translation:
    """One run of the translation, with the problems it met."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._problems: list[str] = []
        custom = [one for one in recording.registered if one.custom]
        self._absent = [one for one in custom if one.resource.token in ABSENT]
        self._providers = [one for one in custom if one.resource.token in PROVIDERS]
        known = [one for one in custom if one not in self._absent and one not in self._providers]
        for token in sorted({one.resource.token for one in known} - set(TARGETS)):
            self._problems.append(f"type `{token}` has no counterpart in graph/tokens.py")
        self._resources = [one for one in known if one.resource.token in TARGETS]
        self._addresses = self._named()

    def _named(self) -> dict[tuple[str, str], str]:
        """`aws_vpc.vpc` by token and name; two names that become one are refused."""
        found: dict[tuple[str, str], str] = {}
        for one in self._resources:
            token, name = one.resource.token, one.resource.name
            address = f"{TARGETS[token].type}.{identifier(name)}"
            if address in found.values():
                self._problems.append(f"{name} becomes {address}, as another one does: rename it")
            found[token, name] = address
        return found

    def whole(self) -> Export:
        """The document, or every problem."""
        providers = self._provider_blocks()
        resources: dict[str, Json] = {}
        for one in self._resources:
            kind, _, name = self._addresses[one.resource.token, one.resource.name].partition(".")
            resources.setdefault(kind, {})[name] = self._body(one)
        document: Json = {
            "//": f"Stack {self._recording.stack} of twin-vpc, written by `make export`. Not edited by hand.",
            "terraform": {
                "required_version": LEAST_TERRAFORM,
                "required_providers": {
                    one.name: {"source": one.source, "version": one.version}
                    for one in (PROVIDERS[provider.resource.token] for provider in self._providers)
                },
            },
            "provider": providers,
            "resource": resources,
        }
        outputs, left_out = self._outputs()
        if outputs:
            document["output"] = outputs
        if self._absent:
            document["variable"] = _variable()
            resources["terraform_data"] = {GUARD: _guard()}
        if self._problems:
            raise GraphError(
                "\n".join([f"stack `{self._recording.stack}` cannot be exported:", *dict.fromkeys(self._problems)])
            )
        missing = sorted({(ABSENT[one.resource.token], one.resource.name) for one in self._absent})
        kept = sorted(
            self._addresses[one.resource.token, one.resource.name]
            for one in self._resources
            if one.retain and not TARGETS[one.resource.token].kept_by
        )
        return Export(document, tuple(missing), left_out, tuple(kept))

    def _provider_blocks(self) -> Json:
        blocks: Json = {}
        for one in self._providers:
            provider = PROVIDERS[one.resource.token]
            if provider.name in blocks:
                self._problems.append(f"two providers `{provider.name}`: an export has one of each")
            blocks[provider.name] = self._values(one.resource.name, _settings(provider, one), provider.target)
        return blocks

    def _body(self, one: Registered) -> Json:
        target = TARGETS[one.resource.token]
        body = self._values(one.resource.name, one.resource.inputs, target)
        if waits := self._waits_for(one):
            body["depends_on"] = waits
        if one.retain and target.kept_by:
            body[target.kept_by] = True
        lifecycle: Json = {}
        if one.protect or (one.retain and not target.kept_by):
            lifecycle["prevent_destroy"] = True
        for name in set(one.ignored) - target.values:
            self._problems.append(f"ignored changes of `{name}` of {one.resource.name} have no counterpart")
        if one.ignored:
            lifecycle["ignore_changes"] = sorted(snake(name) for name in one.ignored)
        return {**body, "lifecycle": lifecycle} if lifecycle else body

    def _waits_for(self, one: Registered) -> list[str]:
        """What the engine makes first although no value says so: Terraform would not wait for it."""
        said = {(reference.token, reference.name) for reference in references(one.resource.inputs)}
        by_urn = {other.urn: other for other in self._resources}
        others = [by_urn[urn].resource for urn in one.dependencies if urn in by_urn]
        waits = {self._addresses[o.token, o.name] for o in others if (o.token, o.name) not in said}
        if any(urn == other.urn for urn in one.dependencies for other in self._absent):
            waits.add(f"terraform_data.{GUARD}")
        return sorted(waits)

    def _values(self, owner: str, given: Mapping[str, object], target: Target | Nested) -> Json:
        nested = {one.source: one for one in target.nested}
        found: Json = {}
        for key, value in sorted(given.items()):
            if key in target.values:
                found[snake(key)] = self._value(f"{owner}.{key}", value)
            elif key in nested:
                found[nested[key].name] = self._nested(f"{owner}.{key}", value, nested[key])
            else:
                self._problems.append(f"property `{key}` of {owner} has no counterpart in graph/tokens.py")
        return found

    def _nested(self, where: str, value: object, nested: Nested) -> object:
        several = isinstance(value, list)
        items = cast("list[object]", value) if several else [value]
        written: list[object] = []
        for item in items:
            if not isinstance(item, dict):
                self._problems.append(f"{where} holds no object")
                continue
            own = self._values(where, cast("Mapping[str, object]", item), nested)
            every = {snake(key): None for key in sorted(nested.values)} if nested.form is Form.OBJECTS else {}
            written.append({**every, **own})
        return written

    def _value(self, where: str, value: object) -> object:
        if isinstance(value, Secret):
            self._problems.append(f"{where} is a secret, and an export is a plain file: keep it out of the stack")
            return None
        if isinstance(value, str):
            return replace(value, lambda reference: self._expression(where, reference), literal)
        if isinstance(value, list):
            return [self._value(where, item) for item in cast("list[object]", value)]
        if isinstance(value, dict):
            items = cast("Mapping[str, object]", value).items()
            return {literal(key): self._value(f"{where}.{key}", item) for key, item in sorted(items)}
        return value

    def _expression(self, where: str, reference: Reference) -> str:
        address = self._addresses.get((reference.token, reference.name))
        known = {"id", *(key for key, shape in sdk.outputs(reference.token).items() if shape is sdk.Shape.SCALAR)}
        if address is None or reference.output not in known:
            self._problems.append(f"{where} takes {reference}, which has no counterpart")
            return ""
        return f"${{{address}.{snake(reference.output)}}}"

    def _outputs(self) -> tuple[Json, tuple[str, ...]]:
        outputs: Json = {}
        left_out: list[str] = []
        for name, value in sorted(self._recording.exports.items()):
            if any(reference.token in ABSENT for reference in references(value)):
                left_out.append(name)
            else:
                outputs[name] = {"value": self._value(f"output {name}", value)}
        return outputs, tuple(left_out)


def identifier(name: str) -> str:
    """A logical name as Terraform allows one."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII)
    return plain if not plain[0].isdigit() else f"_{plain}"


def literal(text: str) -> str:
    """Text that Terraform shall not take for an expression."""
    return text.replace("${", "$${").replace("%{", "%%{")


def _settings(provider: Provider, one: Registered) -> Mapping[str, object]:
    given = {key: value for key, value in one.resource.inputs.items() if key not in provider.left_out}
    return {
        key: json.loads(value) if key in provider.as_json and isinstance(value, str) else value
        for key, value in given.items()
    }


def _variable() -> Json:
    return {
        ACKNOWLEDGED: {
            "type": "bool",
            "default": False,
            "description": "Set it once something else filters between these networks, or where nothing has to.",
        }
    }


def _guard() -> Json:
    said = (
        "WITHOUT THE POLICY THESE NETWORKS ARE OPEN: every segment reaches every other. Read README.md beside this "
        f"file; then set {ACKNOWLEDGED}."
    )
    return {"lifecycle": {"precondition": [{"condition": f"${{var.{ACKNOWLEDGED}}}", "error_message": said}]}}


def resources_of(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Type, name and body of every resource of a document."""
    for kind, named in cast("dict[str, dict[str, Json]]", document.get("resource", {})).items():
        for name, body in named.items():
            yield kind, name, body
