"""Pulumi providers of our own; each is started by the engine as a plugin."""
