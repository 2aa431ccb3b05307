"""What the owner says: frozen models of network.yaml and the stack files, and every error at once."""
