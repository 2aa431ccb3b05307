"""The Pulumi provider `twin-host`: puts a rendered network policy onto the host and keeps it there.

It takes no policy decisions: texts come rendered. Two processes share the work: this one speaks gRPC with the Pulumi
engine, a child process (`worker`) runs pyinfra, whose gevent loop does not live beside grpc.

| module | what |
|---|---|
| `__main__`, `server` | the plugin process: gRPC, one-line errors, clean end |
| `provider`, `kinds` | the engine's questions, handed to the resource type that is meant |
| `network_policy`, `wire` | the policy's life: check, diff, create, read, update, delete |
| `network_watch`, `watched` | networks and pools that are looked at, and what the program says about them |
| `policy`, `checks` | what the program asks for, and what is refused about it |
| `connection` | where the host is and how to reach it |
| `client`, `messages`, `worker` | the child process and its JSON lines |
| `deploy`, `session` | pyinfra: facts, operations, the connection |
| `files`, `shell/` | what is written onto the host |
| `preflight` | what is refused about a policy once the host was asked, before anything is changed there |
| `drift`, `kernel` | what the host is really like, compared with what it should be |
| `watch_jobs`, `watching`, `bridges`, `libvirt_xml` | the same for networks and pools, and how each is put right |
"""

VERSION = "0.1.0"
"""The provider's version, as the engine records it in the state."""
