"""What stops a command of this package, said in one sentence."""


class GraphError(Exception):
    """Something the owner has to know: the message names the offender, the rule and the way out."""
