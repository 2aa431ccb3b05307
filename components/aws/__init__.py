"""The network on AWS: the plan and the policy as resources.

| module | what |
|---|---|
| `stack` | puts everything together; what may not be deployed is refused here |
| `provider` | region, tags and, for previews without an account, dummy credentials |
| `vpc` | the VPC, its subnets and its Internet gateway; what AWS puts into every VPC, emptied |
| `routing` | route tables, NAT gateways, the way to S3 |
| `groups` | security groups, the inner wall |
| `acls` | network ACLs, the outer wall |
| `endpoints` | what a container task needs of AWS, inside the VPC |
| `flow_logs` | what passed and what was refused |
| `outputs` | what the stack exports |
"""
