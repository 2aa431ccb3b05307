"""The owner's tool: thin commands over the pure core."""
