"""What can go wrong in a benchmark itself."""


class BenchmarkError(Exception):
    """What was measured is not what should have been measured; the message says what, and what to do."""
