"""What the stand-in refuses."""


class StandinError(Exception):
    """Something that is not implemented, or that the account refused; one sentence for the owner."""
