"""The host's sshd without a host: what is refused, what a refresh makes of what was seen, what the engine is told."""

import asyncio
from typing import Any

import pytest
from pulumi.provider.experimental import provider as sdk
from pulumi.runtime.rpc import UNKNOWN

from components.host.render import render_sshd
from providers.host import sshd, wire
from providers.host.connection import Connection
from providers.host.errors import HalfDoneError, HostError
from providers.host.kinds import InitFailedError
from providers.host.messages import Answer, Request
from providers.host.provider import HostProvider
from providers.host.sshd import DROP_IN, IN_FORCE, Found, as_found, ssh_server
from tests.components.site import stack
from tests.providers.samples import configure
from tests.providers.ssh_host import URN, inputs
from tests.providers.test_provider import Script

WANTED = ssh_server(inputs("2200"))
OUTPUTS = inputs("2200") | {"state": IN_FORCE}
HEALTHY = ssh_server(OUTPUTS)
ILL = ssh_server(OUTPUTS | {"state": "changed by hand: sshd does not listen on 2200"})
EFFECTIVE = """\
port 22
addressfamily any
listenaddress [::]:2200
listenaddress 0.0.0.0:2200
permitrootlogin without-password
pubkeyauthentication yes
passwordauthentication no
kbdinteractiveauthentication no
authenticationmethods publickey
"""
LISTENER = "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"
QUIET = {
    "uid": "0\n", "effective": EFFECTIVE, "listening": f"2200 7 {LISTENER} \n", "unit": "ssh.service", "main": "7\n",
    "running": "active\ninactive\ninactive\n", "addresses": f"{DROP_IN}:1:ListenAddress 0.0.0.0:2200\n",
    f"file:{DROP_IN}": WANTED.settings,
}  # fmt: skip


def test_what_is_rendered_is_what_the_provider_takes() -> None:
    assert list(sshd.problems(vars(render_sshd(stack())))) == []


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "port 22": ({"ports": ["22"]}, "'22' is no port for sshd"),
    "no port": ({"ports": ["ssh"]}, "'ssh' is no port for sshd"),
    "other ports": ({"ports": ["2200", "2201"]}, "name different ports"),
    "ports not a list": ({"ports": "2200"}, "ports must be a list of texts"),
    "a label of somebody's": ({"labels": {"httpd": ""}}, "'httpd' is no name for a module of ours"),
    "an include": ({"settings": WANTED.settings + "include /tmp/x\n"}, "settings hold `include`"),
    "a match": ({"settings": WANTED.settings + "Match User eve\n"}, "settings hold `Match`"),
    "a zero byte": ({"settings": WANTED.settings + "\0"}, "zero byte"),
    "nothing": ({"settings": "", "ports": []}, "name different ports"),
    "an unknown property": ({"setting": ""}, "unknown property setting"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_inputs_are_refused_before_the_host_hears_of_them(case: str) -> None:
    changed, said = WRONG[case]
    assert [one for one in sshd.problems(inputs("2200") | changed) if said in one.text], case


def test_a_quiet_host_is_in_force_and_one_without_our_file_is_gone() -> None:
    assert as_found(WANTED, Found(QUIET)) == HEALTHY
    without = {name: text for name, text in QUIET.items() if not name.startswith("file:")}
    assert as_found(WANTED, Found(without)) is None


OTHER = "/etc/ssh/sshd_config"
SEEN = {
    "sshd refuses its settings (`sshd -t` says why)": {"effective": ""},
    f"sshd takes passwordauthentication for yes, not no: another file is read before {DROP_IN}": {
        "effective": EFFECTIVE.replace("passwordauthentication no", "passwordauthentication yes")
    },
    f"sshd takes authenticationmethods for nothing, not publickey: another file is read before {DROP_IN}": {
        "effective": EFFECTIVE.replace("authenticationmethods publickey\n", "")
    },
    f"sshd is told to listen on 22 too ({OTHER} line 12: `ListenAddress 0.0.0.0:22`)": {
        "effective": EFFECTIVE + "listenaddress 0.0.0.0:22\n",
        "addresses": f"{QUIET['addresses']}{OTHER}:12:ListenAddress 0.0.0.0:22\n",
    },
    f"sshd is told to listen on 22 too ({OTHER} line 3: `ListenAddress 192.168.1.10`)": {
        "effective": EFFECTIVE + "listenaddress 192.168.1.10:22\n",
        "addresses": f"{QUIET['addresses']}{OTHER}:3:ListenAddress 192.168.1.10\n",
    },
    "sshd is told to listen on 22 too": {"effective": EFFECTIVE + "listenaddress 0.0.0.0:22\n"},
    "sshd is not told to listen on 2200; sshd is told to listen on 22 too": {
        "effective": EFFECTIVE.replace(":2200", ":22")
    },
    "ssh.service is stopped": {"running": "inactive\ninactive\ninactive\n", "listening": "", "main": "0\n"},
    "a socket unit (ssh.socket) decides where sshd listens": {"running": "active\nactive\ninactive\n"},
    "sshd does not listen on 2200": {"listening": ""},
    "sshd listens on 22 too (process 7: sshd)": {"listening": f"22 7 sshd\n2200 7 {LISTENER}\n"},
    "sshd does not listen on 2200; sshd listens on 22 too (process 9: sshd -p 22)": {"listening": "22 9 sshd -p 22\n"},
}


@pytest.mark.parametrize("said", SEEN)
def test_what_is_not_as_our_file_says_is_named(said: str) -> None:
    seen = as_found(WANTED, Found(QUIET | SEEN[said]))
    assert seen is not None
    assert sorted(seen.state.removeprefix("changed by hand: ").split("; ")) == sorted(said.split("; "))


def test_an_edited_file_is_shown_as_it_is() -> None:
    seen = as_found(WANTED, Found(QUIET | {f"file:{DROP_IN}": "# mine\n"}))
    assert seen is not None
    assert (seen.settings, seen.ports) == ("# mine\n", ("2200",))


def test_a_request_and_an_answer_survive_their_lines() -> None:
    request = Request("apply", Connection("local"), sshd=WANTED)
    assert Request.from_line(request.to_line()) == request
    assert Answer.from_line(Answer(sshd=HEALTHY).to_line()) == Answer(sshd=HEALTHY)


def provider(*answers: Answer) -> tuple[HostProvider, Script]:
    script = Script(answers)
    made = HostProvider(script)
    asyncio.run(made.configure(configure(address="local")))
    return made, script


def changes(olds: dict[str, object], news: dict[str, object], *answers: Answer) -> list[str]:
    made, script = provider(*answers)
    request = sdk.DiffRequest(URN, "sshd", wire.properties(olds), wire.properties(news), [])
    found = asyncio.run(made.diff(request))
    assert script.answers == []
    assert (found.changes, found.replaces, list(found.detailed_diff)) == (bool(found.diffs), [], found.diffs)
    return found.diffs


def test_what_differs_is_named_and_updated_in_place() -> None:
    assert changes(OUTPUTS, inputs("2200"), Answer(sshd=HEALTHY)) == []
    assert changes(OUTPUTS, inputs("2200"), Answer(sshd=ILL)) == ["state"], "although the state knows nothing"
    assert changes(OUTPUTS, inputs("2200"), Answer()) == ["settings"], "our file is gone"
    assert changes(OUTPUTS | {"state": ILL.state}, inputs("2200")) == ["state"], "as a refresh has recorded it"
    assert changes(OUTPUTS, inputs("2299")) == ["settings", "ports", "labels"], "without asking the host"


def test_a_preview_never_contacts_the_host() -> None:
    made, script = provider()
    given = wire.properties(inputs("2200"))
    planned = asyncio.run(made.create(sdk.CreateRequest(URN, given, 60, preview=True)))
    order = sdk.UpdateRequest(URN, "sshd", wire.properties(OUTPUTS), given, 60, [], preview=True)
    changed = asyncio.run(made.update(order))
    assert script.requests == []
    for answer in (planned.properties, changed.properties):
        assert [name for name, value in answer.items() if wire.is_unknown(value)] == ["state"]
        assert answer["state"].value == UNKNOWN


def test_create_update_read_and_delete_say_what_is_meant_and_record_what_is_there() -> None:
    made, script = provider(Answer(sshd=HEALTHY), Answer(sshd=HEALTHY), Answer(sshd=ILL), Answer())
    given, recorded = wire.properties(inputs("2200")), wire.properties(OUTPUTS)
    created = asyncio.run(made.create(sdk.CreateRequest(URN, given, 60, preview=False)))
    updated = asyncio.run(made.update(sdk.UpdateRequest(URN, "sshd", recorded, given, 60, [], preview=False)))
    assert wire.plain(created.properties) == wire.plain(updated.properties) == OUTPUTS
    found = asyncio.run(made.read(sdk.ReadRequest(URN, "sshd", recorded, given)))
    assert wire.plain(found.properties) == OUTPUTS | {"state": ILL.state}
    assert wire.plain(found.inputs) == inputs("2200")
    asyncio.run(made.delete(sdk.DeleteRequest(URN, "sshd", recorded, 60)))
    assert [(one.verb, one.sshd) for one in script.requests] == [
        ("apply", WANTED), ("apply", WANTED), ("read", HEALTHY), ("remove", HEALTHY),
    ]  # fmt: skip


def test_a_first_change_that_may_have_been_made_is_recorded_as_not_finished() -> None:
    class Broken(Script):
        async def ask(self, request: Request) -> Answer:
            raise HalfDoneError(f"nobody gets in after {request.verb}")

    made = HostProvider(Broken(()))
    asyncio.run(made.configure(configure(address="local")))
    with pytest.raises(InitFailedError, match="nobody gets in") as told:
        asyncio.run(made.create(sdk.CreateRequest(URN, wire.properties(inputs("2200")), 60, preview=False)))
    recorded = wire.plain(told.value.properties)
    assert changes(recorded, inputs("2200")) == ["state"], "the next run puts it right"


def test_an_import_is_refused_in_a_sentence_and_missing_inputs_are_named() -> None:
    made, _ = provider()
    with pytest.raises(HostError, match="holds nothing of its own to import"):
        asyncio.run(made.read(sdk.ReadRequest(URN, "sshd", {}, {})))
    told = asyncio.run(made.check(sdk.CheckRequest(URN, {}, wire.properties({"ports": ["22"]}), b"")))
    assert [one.property for one in told.failures] == ["ports", "settings", "labels"]
