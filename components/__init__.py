"""Pulumi components: they turn a plan into resources and decide nothing themselves.

| module | what |
|---|---|
| `config` | the only reader of Pulumi's configuration |
| `substrate` | which substrate a stack is built on; imports that substrate's SDK only |
| `vpc` | the seam: what every substrate's network gives to the rest |
| `component` | the base of all components |
| `former` | names that things had before, so that a rename finds them |
| `recovery` | what a run says when it meets the traces of one that was killed |
| `aws/` | the VPC on AWS, its walls and its ways out |
| `host/` | the policy on the host and its sshd, through our own provider `twin-host` |
| `libvirt/` | networks and storage pools on the host |
"""
