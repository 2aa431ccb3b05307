"""The policy on the host: our provider's typed resource, the component around it, and what it is rendered from."""
