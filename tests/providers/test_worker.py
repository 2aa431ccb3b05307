"""The two processes: JSON lines between them, errors as sentences, nothing of one in the other, a quiet end."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from providers.host import client, wire
from providers.host.client import Worker
from providers.host.connection import Connection
from providers.host.deploy import HostSurvey
from providers.host.errors import HostError
from providers.host.files import shell
from providers.host.messages import Answer, Note, Request
from providers.host.policy import HostState
from providers.host.session import Session, explain, wire_to
from tests.providers.samples import URN, inputs, outputs

ROOT = Path(client.__file__).resolve().parents[2]
LAUNCHER = ROOT / "providers/host/pulumi-resource-twin-host"
POLICY, IN_FORCE = wire.to_policy(outputs()), wire.to_in_force(outputs())
UNREACHABLE = Connection("192.0.2.1", key_file="/nonexistent/key")


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "request_",
    [
        Request("apply", Connection("local"), POLICY),
        Request("read", Connection("dell", 2200, "root", "k", "h"), POLICY, IN_FORCE),
        Request("read", Connection("local")),
    ],
)
def test_a_request_survives_its_line(request_: Request) -> None:
    assert "\n" not in request_.to_line()
    assert Request.from_line(request_.to_line()) == request_


HEALTHY = Answer(HostState(POLICY, IN_FORCE))


def test_an_answer_survives_its_line() -> None:
    for answer in (
        Answer(),
        Answer(error="no"),
        Answer(error="no", half_done=True),
        Answer(HostState(POLICY, IN_FORCE)),
    ):
        assert Answer.from_line(answer.to_line()) == answer


@pytest.mark.parametrize(
    "line", ["", "hello", "{}", "[]", '{"verb": "reboot", "connection": {}, "policy": null, "in_force": null}']
)
def test_anything_else_is_no_request(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Request.from_line(line)


def test_the_plugin_process_never_loads_pyinfra_and_the_child_never_loads_grpc() -> None:
    done = python("import sys, providers.host.server; print({'pyinfra', 'gevent', 'paramiko'} & set(sys.modules))")
    assert done.stdout.strip() == "set()", done.stderr
    done = python(
        "import sys, providers.host.worker; print({'pulumi', 'grpc'} & set(sys.modules), 'pyinfra' in sys.modules)"
    )
    assert done.stdout.strip() == "set() True", done.stderr


def test_a_real_child_answers_an_error_as_its_sentence_and_goes_on() -> None:
    async def twice() -> list[str]:
        worker = Worker()
        said: list[str] = []
        for _ in range(2):
            with pytest.raises(HostError) as caught:
                await worker.ask(Request("apply", UNREACHABLE, POLICY))
            said.append(str(caught.value))
            assert worker.is_running
        await worker.end()
        assert not worker.is_running
        return said

    for sentence in asyncio.run(twice()):
        assert sentence.startswith("twin-vpc:host.key_file: there is no file /nonexistent/key"), sentence


def test_a_child_that_dies_is_named_by_its_last_words() -> None:
    async def ask() -> None:
        await Worker(("sh", "-c", "echo first >&2; echo the last words >&2; exit 3")).ask(Request("apply", UNREACHABLE))

    with pytest.raises(HostError, match=r"ended early: the last words; run `pip install"):
        asyncio.run(ask())


def test_an_interrupted_request_ends_at_once_with_a_sentence() -> None:
    async def interrupt() -> str:
        worker = Worker(("sleep", "600"))
        asking = asyncio.create_task(worker.ask(Request("apply", UNREACHABLE)))
        await asyncio.sleep(0.3)
        await worker.end()
        with pytest.raises(HostError) as caught:
            await asyncio.wait_for(asking, 5)
        return str(caught.value)

    assert asyncio.run(interrupt()) == "interrupted; run `pulumi up` again, it goes on where it stopped"


def test_the_child_ends_with_its_standard_input() -> None:
    done = subprocess.run(client.COMMAND, input="", cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


REASONS = {
    "Authentication error (username=root, key=k) (Authentication failed.)": (
        "host.key_file",
        "authorized_keys of root",
    ),
    "SSH error (StrictPolicy: No host key for x found in known_hosts)": (
        "host.known_hosts",
        "ssh-keyscan -p 2200 dell",
    ),
    "SSH host key error (Host key for x does not match.)": ("host.known_hosts", "shows another host key"),
    "Could not resolve hostname (gaierror)": ("host.address", "no DNS server knows dell"),
    "Could not connect (timed out)": ("host.port", "root@dell:2200 cannot be reached"),
}


@pytest.mark.parametrize("reason", REASONS)
def test_a_failed_connection_names_the_key_to_change(reason: str) -> None:
    sentence = explain(Connection("dell", 2200), reason)
    for part in REASONS[reason]:
        assert part in sentence


def refusal(of: Connection) -> str:
    with pytest.raises(HostError) as caught:
        Session(of).survey("brief")
    return str(caught.value)


def test_a_host_that_refuses_the_connection_is_named_with_the_keys_to_change(tmp_path: Path) -> None:
    files = {name: str(tmp_path / name) for name in ("key_file", "known_hosts")}
    for path in files.values():
        Path(path).touch()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    said = refusal(Connection("127.0.0.1", port, **files))
    assert said.startswith(
        f"root@127.0.0.1:{port} cannot be reached (Could not connect ([Errno 111] Connection refused)"
    )
    assert "no DNS server knows nowhere.invalid" in refusal(Connection("nowhere.invalid", **files))


def test_a_key_that_cannot_be_read_leaves_no_connection_behind(tmp_path: Path) -> None:
    """The host would count it as somebody who knocks and says nothing."""
    (tmp_path / "key").write_text("no key")
    (tmp_path / "known").touch()
    with socket.create_server(("127.0.0.1", 0)) as server:
        session = Session(
            Connection(*server.getsockname(), key_file=str(tmp_path / "key"), known_hosts=str(tmp_path / "known"))
        )
        with pytest.raises(HostError, match=r"host\.key_?[fF]ile") as caught:
            session.survey("brief")
        there, _ = server.accept()
        with there:
            there.settimeout(5)
            assert there.recv(1) == b""
        del caught


CUT = "kill -9 $(exec sh -c 'echo $PPID')"
"""Ends the shell that it stands in, as the kernel does that has no memory left."""


def surveyed(monkeypatch: pytest.MonkeyPatch, text: str) -> dict[str, str]:
    """What a session takes from a survey of this machine, a Linux."""
    done = subprocess.run(
        ["sh", "-c", text, "survey", shell("load"), "brief", ""],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    answers = HostSurvey().process(done.stdout.splitlines())
    assert "uid" in answers
    session = Session(Connection("dell", 2200))
    monkeypatch.setattr(session, "_answers", lambda *_, **__: answers)
    return dict(session.survey("brief"))


@pytest.mark.root
def test_a_survey_that_came_to_its_end_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert surveyed(monkeypatch, shell("survey")).keys() >= {"routes", "listening", "docker-networks", "tailnet"}


@pytest.mark.root
@pytest.mark.parametrize(
    ("at", "by"),
    [
        ("answer listening listening", CUT),
        ("answer tailnet tailnet", CUT),
        ("answer on-default on_default |", f"{{ {CUT}; }} |"),
    ],
)
def test_answers_that_were_cut_short_are_no_answers(at: str, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = shell("survey")
    assert at in whole
    with pytest.raises(HostError, match="broke off in the middle of its answers"):
        surveyed(monkeypatch, whole.replace(at, by))


def test_small_packets_to_the_host_are_not_held_back_and_a_silent_host_is_given_up() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        wire_to(Connection("127.0.0.1", server.getsockname()[1])) as one,
    ):
        assert one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert one.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 45_000


class Plugin:
    """The launcher as the engine starts it, and a channel to it."""

    def __init__(self) -> None:
        bare = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        words = [str(LAUNCHER), "--logtostderr", "127.0.0.1:1"]
        self.process = subprocess.Popen(
            words, cwd="/", env=bare, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.channel = grpc.insecure_channel(f"127.0.0.1:{int(self.process.stdout.readline())}")
        self.stub: Any = provider_pb2_grpc.ResourceProviderStub(self.channel)

    def end(self, number: int) -> tuple[int, str]:
        self.channel.close()
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, errors


def test_the_engine_reads_an_error_as_one_line_and_nobody_a_traceback() -> None:
    plugin = Plugin()
    settings = wire.PropertyValue.marshal_map(wire.properties({"address": "dell", "keyFile": "/nonexistent/key"}))
    plugin.stub.Configure(provider_pb2.ConfigureRequest(args=settings))
    wanted = wire.PropertyValue.marshal_map(wire.properties(inputs()))
    with pytest.raises(grpc.RpcError) as caught:
        plugin.stub.Create(provider_pb2.CreateRequest(urn=URN, properties=wanted))
    assert caught.value.details() == (
        "twin-vpc:host.key_file: there is no file /nonexistent/key; name the file to reach root@dell:22 with"
    )
    assert plugin.end(signal.SIGTERM) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_plugin_ends_quietly(number: int) -> None:
    assert Plugin().end(number) == (0, "")


def test_cancel_is_quiet_too_and_a_later_call_is_refused() -> None:
    plugin = Plugin()
    plugin.stub.Configure(
        provider_pb2.ConfigureRequest(args=wire.PropertyValue.marshal_map(wire.properties({"address": "local"})))
    )
    plugin.stub.Cancel(empty_pb2.Empty())
    with pytest.raises(grpc.RpcError) as caught:
        plugin.stub.Delete(provider_pb2.DeleteRequest(urn=URN, id="twin-vpc"))
    assert "interrupted" in str(caught.value.details())
    assert plugin.end(signal.SIGTERM) == (0, "")


def test_the_schema_knows_every_property() -> None:
    plugin = Plugin()
    schema = plugin.stub.GetSchema(provider_pb2.GetSchemaRequest()).schema
    for name in outputs():
        assert f'"{name}"' in schema
    assert plugin.end(signal.SIGTERM) == (0, "")


def test_a_note_reaches_the_owner_before_the_answer_comes() -> None:
    async def ask() -> list[str]:
        told: list[str] = []

        async def tell(text: str) -> None:
            told.append(text)

        lines = f"echo '{Note('wait').to_line()}'; echo '{Answer().to_line()}'"
        worker = Worker(("sh", "-c", f"read -r _; {lines}; read -r _"))
        worker.tell = tell
        assert await worker.ask(Request("read", Connection("local"))) == Answer()
        await worker.end()
        return told

    assert asyncio.run(ask()) == ["wait"]
