"""What cannot be judged is refused, never ignored."""


class GraphError(ValueError):
    """A network holds something that the evaluator does not know, or that contradicts itself."""

    def __init__(self, what: str, *, rule: str, way_out: str) -> None:
        super().__init__(f"{what}\n    rule: {rule}\n    do:   {way_out}")
        self.what = what


def unknown(where: str, what: str) -> GraphError:
    """Something that may well matter, but that the evaluator has no meaning for."""
    return GraphError(
        f"{where}: {what} is not known to the proof",
        rule="what could let a packet through or stop it is judged or refused, never ignored",
        way_out="leave it out, or teach twinvpc/proof/aws what it does to packets",
    )
