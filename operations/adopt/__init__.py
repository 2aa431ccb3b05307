"""Taking over a host whose owner built networks by hand before: look, back up, take away, build, plug in again, undo.

| module | what |
|---|---|
| `command` | the commands |
| `host`, `remote/` | running a program on the host, and that program |
| `survey` | what the host is like |
| `conflict`, `conflicts` | what stands in the way, and what would happen to each; all of it |
| `networks`, `forward` and `rules`, `zones` | libvirt's part of that, iptables' chain FORWARD, firewalld |
| `work` | the steps in their order |
| `show` | conflicts and results for people and for programs |
"""
