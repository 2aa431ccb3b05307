"""Pulumi components: they turn a plan into resources and decide nothing themselves.

| module | what |
|---|---|
| `config` | the only reader of Pulumi's configuration |
| `substrate` | which substrate a stack is built on; imports that substrate's SDK only |
| `vpc` | the seam: what every substrate's network gives to the rest |
| `component` | the base of all components |
| `host/` | the policy on the host and its sshd, through our own provider `twin-host` |
| `libvirt/` | networks and storage pools on the host |
"""
