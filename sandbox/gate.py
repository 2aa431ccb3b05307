"""The gate over both stacks: intent = graph = account on AWS, intent = packets on the Dell, and where they differ."""

from dataclasses import dataclass

from rich.console import Console

_SHOWN = 40
_WAY_OUT = "take back what was changed in the account by hand; or `make down` and `make up`: a new one is empty"


@dataclass(frozen=True)
class Gate:
    """What the ways to one matrix say of each other.

    Attributes:
        packets: whether all that was measured on `dell` is as intended; a measurement names its differences itself.
        account: what is not as intended in the resources of `aws` or in its account, a sentence each.
    """

    packets: bool
    account: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether all say the same."""
        return self.packets and not self.account

    def show(self, console: Console) -> None:
        """For people: every difference on AWS by name, and whether each equation holds."""
        for line in self.account[:_SHOWN]:
            console.print(f"✗ aws: {line}", style="red", markup=False, soft_wrap=True)
        if len(self.account) > _SHOWN:
            console.print(f"… and {len(self.account) - _SHOWN} more", style="red")
        proven = {"intent = graph = account (aws)": not self.account, "intent = packets (dell)": self.packets}
        for style, sign, holds in (("green", "✓", True), ("bold red", "✗ not so:", False)):
            claims = [claim for claim, is_so in proven.items() if is_so is holds]
            if claims:
                console.print(f"{sign} {', '.join(claims)}", style=style)
        if self.account:
            console.print(_WAY_OUT, style="dim", soft_wrap=True)
