"""The Python language host: what the Pulumi engine starts as `pulumi-language-python`.

Started as `host.py [engine options] <engine address>` with a pipe as standard input. Prints its port, serves
the engine's LanguageRuntime calls on the loopback, and ends when the engine interrupts it or goes away. Each
program runs in a process of its own (`program.py` beside this file), so no state leaks from run to run.

It installs nothing, generates nothing and debugs nothing: such calls are refused.
"""

import importlib
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

# Neither grpc nor the generated protocol modules carry usable types.
grpc: Any = importlib.import_module("grpc")
language: Any = importlib.import_module("pulumi.runtime.proto.language_pb2")
plugin: Any = importlib.import_module("pulumi.runtime.proto.plugin_pb2")
empty: Any = importlib.import_module("google.protobuf.empty_pb2")

Message: TypeAlias = Any
"""A message of the protocol; its fields are named where they are read."""

SERVICE = "pulumirpc.LanguageRuntime"

REPORTED = 32
"""Exit code of a program that has already told the engine why it failed."""

GRACE = 2.0
"""Seconds a cancelled program has before it is killed; the engine itself waits 5 for this host."""

LARGEST_MESSAGE = 400 * 1024 * 1024
"""Bytes of one message; the engine's own limit."""

WORKERS = 8
"""A running program holds one worker; the engine asks other things meanwhile."""

SITE_PACKAGES = "import sysconfig as s; print(*{s.get_path('purelib'), s.get_path('platlib')}, sep='\\n')"
VERSION = "import platform; print(platform.python_version())"
DISTRIBUTIONS = """
from importlib.metadata import distributions
print(*sorted({f"{one.name} {one.version}" for one in distributions()}), sep="\\n")
"""


class RefusedError(Exception):
    """The engine asked for something this host cannot or will not do; the text says what to do instead."""


def interpreter(info: Message) -> Path:
    """The Python that runs a program: its virtualenv's, as Pulumi.yaml says, else `python3`.

    Raises:
        RefusedError: an option is set that this host does not honour, or the interpreter is not there.
    """
    options = dict(info.options)
    toolchain = options.pop("toolchain", None) or "pip"
    environment = options.pop("virtualenv", None)
    refused = [f"option {name}" for name, value in sorted(options.items()) if value]
    refused += [f"toolchain {toolchain}"] if toolchain != "pip" else []
    if refused:
        raise RefusedError(
            f"Pulumi.yaml, runtime: this language host knows no {', '.join(refused)}; "
            "it knows the options virtualenv and toolchain: pip"
        )
    if not environment:
        found = shutil.which("python3")
        if found is None:
            raise RefusedError("no python3 on PATH: name one in Pulumi.yaml, runtime: options: virtualenv")
        return Path(found)
    python = Path(info.root_directory) / str(environment) / "bin" / "python"
    if not python.exists():
        raise RefusedError(
            f"Pulumi.yaml, runtime: virtualenv {environment} has no {python}: "
            "create it (python3 -m venv, then pip install -r requirements.txt)"
        )
    return python


def ask(python: Path, code: str) -> list[str]:
    """The lines that a snippet prints under another interpreter, isolated from where it runs."""
    argv = [python, "-I", "-c", code]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        raise RefusedError(f"{python} does not work: {done.stderr.strip()[-500:]}")
    return done.stdout.splitlines()


def required_packages(python: Path) -> list[Message]:
    """The provider plugins that the installed SDKs ask for, from the description that each SDK carries.

    Raises:
        RefusedError: an SDK wants its plugin parameterised, which this host does not pass on.
    """
    found: list[Message] = []
    for site in ask(python, SITE_PACKAGES):
        for path in sorted(Path(site).glob("*/pulumi-plugin.json")):
            said: Mapping[str, Any] = json.loads(path.read_text())
            if not said.get("resource"):
                continue
            if said.get("parameterization") or said.get("extensionParameterization"):
                name = path.parent.name
                raise RefusedError(f"{name}: parameterised packages need the official language host")
            name, version = said.get("name"), said.get("version")
            if not name or not version:
                raise RefusedError(f"{path}: no name or no version for the plugin")
            version = "v" + str(version).removeprefix("v")
            server = said.get("server") or ""
            found.append(plugin.PackageDependency(name=name, kind="resource", version=version, server=server))
    return found


class Program:
    """One run of the user's program, in a process group of its own so that all of it can be ended."""

    def __init__(self, request: Message, engine: str) -> None:
        python = interpreter(request.info)
        entry = Path(request.info.program_directory, request.info.entry_point or ".")
        self.settings = {
            "parent": os.getpid(),
            "monitor": request.monitor_address,
            "engine": engine,
            "project": request.project,
            "stack": request.stack,
            "organization": request.organization,
            "root": request.info.root_directory,
            "parallel": request.parallel,
            "dry_run": request.dryRun,
            "config": dict(request.config),
            "secret_keys": list(request.configSecretKeys),
            "entry": str(entry.resolve()),
            "args": list(request.args),
        }
        self.stopped = False
        own = Path(__file__).with_name("program.py")
        environment = os.environ | {"PATH": f"{python.parent}:{os.environ.get('PATH', os.defpath)}"}
        self.process = subprocess.Popen(
            [python, "-u", own],
            cwd=request.pwd,
            env=environment,
            stdin=subprocess.PIPE,
            process_group=0,
        )

    def result(self) -> Message:
        """Wait for the end: what went wrong, if it was not shown yet, and whether to stop without a word."""
        # Configuration holds secrets: it goes through a pipe, never through arguments or the environment.
        with suppress(BrokenPipeError):
            self.process.communicate(json.dumps(self.settings).encode())
        code = self.process.wait()
        if self.stopped or code == REPORTED:
            return language.RunResponse(bail=True)
        if code < 0:
            return language.RunResponse(error=f"the program was ended by {signal.Signals(-code).name}")
        return language.RunResponse(error=f"the program ended with exit code {code}" if code else "")

    def stop(self) -> None:
        """End the program and whatever it started: asked first, killed after `GRACE` seconds."""
        self.stopped = True
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class Host:
    """What the engine may ask, one method a call."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.running: list[Program] = []
        self.cancelled = False
        self.lock = threading.Lock()

    def handshake(self, request: Message) -> Message:
        """Attached to a host that already ran: the engine says where it is."""
        self.engine = request.engine_address
        return language.LanguageHandshakeResponse()

    def plugin_info(self, _request: Message) -> Message:
        """No version of its own: it belongs to the engine beside it."""
        return plugin.PluginInfo()

    def packages(self, request: Message) -> Message:
        """The plugins that the program's SDKs need."""
        return language.GetRequiredPackagesResponse(packages=required_packages(interpreter(request.info)))

    def run(self, request: Message) -> Message:
        """Run the program to its end."""
        if request.attach_debugger:
            raise RefusedError("no debugger here: use the official language host")
        with self.lock:
            if self.cancelled:
                return language.RunResponse(bail=True)
            program = Program(request, self.engine)
            self.running.append(program)
        try:
            return program.result()
        finally:
            with self.lock:
                self.running.remove(program)

    def cancel(self, _request: Message) -> Message:
        """Ctrl-C, or the engine has no further use for us."""
        self.stop()
        return empty.Empty()

    def about(self, request: Message) -> Message:
        """For `pulumi about`: the interpreter."""
        python = interpreter(request.info)
        return language.AboutResponse(executable=str(python), version=ask(python, VERSION)[0])

    def dependencies(self, request: Message) -> Message:
        """For `pulumi about`: what is installed beside the program."""
        pairs = (line.rsplit(" ", 1) for line in ask(interpreter(request.info), DISTRIBUTIONS))
        found = [language.DependencyInfo(name=name, version=version) for name, version in pairs]
        return language.GetProgramDependenciesResponse(dependencies=found)

    def install(self, request: Message) -> Message:
        """For `pulumi install`: what is there is enough; what is missing is the person's to install."""
        text = f"using {interpreter(request.info)}; nothing installed\n"
        return language.InstallDependenciesResponse(stdout=text.encode())

    def stop(self) -> None:
        """End every program, now and to come."""
        with self.lock:
            self.cancelled = True
            programs = list(self.running)
        for program in programs:
            program.stop()

    def handlers(self) -> Message:
        """The calls by their names in the protocol. grpc answers any other one with "unimplemented"."""
        one = {
            "Handshake": (self.handshake, language.LanguageHandshakeRequest),
            "GetPluginInfo": (self.plugin_info, empty.Empty),
            "GetRequiredPackages": (self.packages, language.GetRequiredPackagesRequest),
            "Run": (self.run, language.RunRequest),
            "Cancel": (self.cancel, empty.Empty),
            "About": (self.about, language.AboutRequest),
            "GetProgramDependencies": (self.dependencies, language.GetProgramDependenciesRequest),
        }
        table = {
            name: grpc.unary_unary_rpc_method_handler(_answer(call), kind.FromString, _encode)
            for name, (call, kind) in one.items()
        }
        table["InstallDependencies"] = grpc.unary_stream_rpc_method_handler(
            _answers(self.install), language.InstallDependenciesRequest.FromString, _encode
        )
        return grpc.method_handlers_generic_handler(SERVICE, table)


def _encode(message: Message) -> bytes:
    return message.SerializeToString()


def _answer(call: Callable[[Message], Message]) -> Callable[[Message, Message], Message]:
    """A call whose refusal reaches the engine as a sentence."""

    def behaviour(request: Message, context: Message) -> Message:
        try:
            return call(request)
        except RefusedError as refused:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(refused))

    return behaviour


def _answers(call: Callable[[Message], Message]) -> Callable[[Message, Message], Iterator[Message]]:
    """The same, for a call that the protocol answers with a stream."""
    single = _answer(call)

    def behaviour(request: Message, context: Message) -> Iterator[Message]:
        yield single(request, context)

    return behaviour


def serve(engine: str) -> None:
    """Serve until SIGINT, SIGTERM or the end of standard input, then end what still runs."""
    over = threading.Event()

    def told(_number: int, _frame: FrameType | None) -> None:
        over.set()

    def engine_gone() -> None:
        # The engine holds the other end of this pipe: killed, it cannot say good-bye. Unbuffered, because a
        # thread inside a buffered read makes the interpreter's own end fail.
        while os.read(0, 1):
            pass
        over.set()

    signal.signal(signal.SIGINT, told)
    signal.signal(signal.SIGTERM, told)
    options = [
        ("grpc.max_receive_message_length", LARGEST_MESSAGE),
        ("grpc.max_send_message_length", LARGEST_MESSAGE),
        ("grpc.so_reuseport", 0),
    ]
    host = Host(engine)
    server = grpc.server(ThreadPoolExecutor(max_workers=WORKERS), options=options)
    server.add_generic_rpc_handlers((host.handlers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    threading.Thread(target=engine_gone, daemon=True).start()
    over.wait()
    host.stop()
    server.stop(grace=0.2).wait()


if __name__ == "__main__":
    # grpc logs a call's exception with its traceback; the engine gets and shows the exception itself.
    logging.getLogger("grpc").setLevel(logging.CRITICAL)
    serve(sys.argv[-1] if len(sys.argv) > 1 else "")
