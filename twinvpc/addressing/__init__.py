"""The address plan: keyed by name, stable, and recorded in a lock file that is committed with the intent."""
