"""Taking over a host whose owner built networks by hand before: look, back up, take away, build, plug in again, undo.

| module | what |
|---|---|
| `command` | the commands |
| `host`, `remote/` | running a program on the host, and that program |
| `survey` | what the host is like |
| `conflicts`, `rules` | what stands in the way, and what would happen to each |
| `work` | the steps in their order |
| `show` | conflicts and results for people and for programs |
"""
