"""What stops a command for a live stack, said in one sentence."""


class OperationError(Exception):
    """Something the owner has to know: the message names the offender, the rule and the way out."""
