"""What goes wrong on or on the way to the host, said in one line."""


class HostError(Exception):
    """Something the owner has to know: the message names the offender, the rule and the way out.

    Args:
        text: the sentence; line breaks are folded, because Pulumi shows one line per error.
    """

    def __init__(self, text: str) -> None:
        super().__init__(" ".join(text.split()))


class HalfDoneError(HostError):
    """A change broke off after the host may have been touched: what is there now, only the host can tell."""
