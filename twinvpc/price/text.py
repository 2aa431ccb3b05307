"""A stack's price for people, in lines of 80 columns: the same in `make plan` and at a preview."""

from collections.abc import Iterator
from decimal import Decimal
from textwrap import wrap

from twinvpc.model.aws import AwsStack
from twinvpc.model.network import Network
from twinvpc.price.bill import Bill, bill, fixed_address
from twinvpc.price.choices import ALL, Choice, Way, by_gateway, choices
from twinvpc.price.table import CURRENCY, HOURS, PriceTable, table_of

NOT_COUNTED = "what runs in the VPC, traffic between zones that meets no NAT gateway, tax"
AT_HOME = f"0.00 {CURRENCY} a month to AWS"
"""What is paid for a stack on the owner's own host; its power and its hardware are not reckoned."""

_WIDTH, _INDENT = 80, "  "
_WHAT, _HOW, _USD = 38, 28, 10


def unknown(region: str) -> str:
    """Said where a region's prices are not known."""
    return f"price: none is known for {region}; it is not guessed (twinvpc/price/table.py)"


def in_short(stack: AwsStack) -> str:
    """The price in a few words."""
    table = table_of(stack.aws_region)
    return f"{bill(stack, table).total} {CURRENCY} a month, prices of {table.date}" if table else "price not known"


def in_sentences(stack: AwsStack, network: Network) -> Iterator[str]:
    """What the price consists of, and what the other ways out would cost, without a table."""
    table = table_of(stack.aws_region)
    if table is None:
        yield unknown(stack.aws_region)
        return
    reckoned = bill(stack, table)
    parts = "; ".join(f"{line.what} {line.usd}" for line in reckoned.lines)
    yield f"{reckoned.total} {CURRENCY} a month is {parts}."
    for choice in choices(stack, network, table)[-1:]:
        others = [(way, usd) for way, usd in choice.totals.items() if way is not choice.chosen and usd is not None]
        if others:
            said = ", ".join(f"{way.words} {usd}" for way, usd in others)
            who = "the inner segments" if choice.segment == ALL else choice.segment
            yield f"The whole stack if {who} left another way: {said}."
    yield f"Taken to be so: {usage(stack)}. Left out: {NOT_COUNTED}."


def told(stack: AwsStack, network: Network) -> Iterator[str]:
    """Everything, line by line.

    Args:
        stack: the stack file.
        network: network.yaml, which may close a way.
    """
    table = table_of(stack.aws_region)
    if table is None:
        yield unknown(stack.aws_region)
        return
    yield f"price a month in {CURRENCY}: {table.region}, {HOURS} hours, prices of {table.date}"
    yield from _sum(bill(stack, table))
    yield from _wrapped(f"taken to be so (twin-vpc:usage): {usage(stack)}")
    if some := choices(stack, network, table):
        yield "the whole stack's price if one segment left another way (* as it is)"
        yield from _table(some)
    yield from _besides(stack, table)


def sources(table: PriceTable) -> Iterator[str]:
    """Each price of a table, AWS's page on which it can be checked, and where and when it was read."""
    yield f"sources of the prices for {table.region}, compared on {table.date}"
    for name, price in table.prices.items():
        yield f"{_INDENT}{name}: {price.usd} {CURRENCY} per {price.unit}, {price.source.page}"
        yield f"{_INDENT * 2}read in {price.source.read_in}, {price.source.stated}"


def usage(stack: AwsStack) -> str:
    """What was taken to be used, each by the name of its setting."""
    return ", ".join(f"{name} {value}" for name, value in stack.usage)


def _sum(reckoned: Bill) -> Iterator[str]:
    for line in reckoned.lines:
        yield f"{_INDENT}{line.what:<{_WHAT}}{line.how:<{_HOW}}{line.usd:>{_USD}}"
    yield f"{_INDENT}{'total':<{_WHAT + _HOW}}{reckoned.total:>{_USD}}"


def _table(some: tuple[Choice, ...]) -> Iterator[str]:
    name = max(len(choice.segment) for choice in some) + 1
    room = min(14, (_WIDTH - len(_INDENT) - name) // len(Way))
    yield f"{_INDENT}{'segment':<{name}}" + "".join(f"{way.words:>{room}}" for way in Way)
    for choice in some:
        cells = (f"{_cell(choice.totals[way], chosen=way is choice.chosen):>{room}}" for way in Way)
        yield f"{_INDENT}{choice.segment:<{name}}{''.join(cells)}"
    if any(total is None for choice in some for total in choice.totals.values()):
        yield f"{_INDENT}–: network.yaml closes this way"


def _cell(total: Decimal | None, *, chosen: bool) -> str:
    return ("* " if chosen else "") + ("–" if total is None else f"{total}")


def _besides(stack: AwsStack, table: PriceTable) -> Iterator[str]:
    if free := by_gateway(stack):
        each = (table.public_ipv4.usd * HOURS).quantize(Decimal("0.01"))
        yield from _wrapped(
            f"by the Internet gateway, which is free: {', '.join(free)}; each public address of what runs there: {each}"
        )
    mail = fixed_address(stack, table)
    parts = "; ".join(f"{line.what} {line.usd}" for line in mail.lines)
    yield from _wrapped(f"not built yet and not in it, a fixed address for mail: {mail.total} ({parts})")
    yield from _wrapped(f"left out: {NOT_COUNTED}")


def _wrapped(text: str) -> Iterator[str]:
    yield from wrap(text, _WIDTH, subsequent_indent=_INDENT, break_on_hyphens=False)
