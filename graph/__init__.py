"""A stack's resources as a graph, from the files alone: no engine, no account, no host. What is made of it lives here.

| module | what |
|---|---|
| `record` | the program, run under mocks, and every resource it registers |
| `monitor` | the stand-in for the engine, which answers with references |
| `sdk` | which outputs a type of resource has |
| `references` | how a reference is written and found |
| `terraform`, `tokens` | the graph as Terraform JSON; the one table of names |
| `hcl` | the same document in Terraform's other syntax, which scanners read |
| `waivers`, `waivers.yaml` | what others' scanners say, and what is accepted for how long |
| `landing` | where each machine of the Dell would stand on AWS |
"""
