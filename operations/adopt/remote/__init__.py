"""The part that runs on the host, by the host's own Python (3.9 or later) and nothing but its standard library."""
