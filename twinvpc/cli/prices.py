"""Prices where people look, and as plain data where programs read."""

from collections.abc import Iterable, Iterator
from typing import Any

from twinvpc.model.aws import AwsStack
from twinvpc.model.load import Intent
from twinvpc.price import text
from twinvpc.price.bill import Bill, Line, bill, fixed_address
from twinvpc.price.choices import choices
from twinvpc.price.table import CURRENCY, HOURS, table_of


def lines(intent: Intent) -> Iterator[str]:
    """A stack's price, line by line."""
    if isinstance(intent.stack, AwsStack):
        yield from text.told(intent.stack, intent.network)
    else:
        yield f"price: {text.AT_HOME}; the host, its disks and its power are your own"


def sources(intents: Iterable[Intent]) -> Iterator[str]:
    """Where each price of these stacks' regions is said; each region once."""
    regions = sorted({one.stack.aws_region for one in intents if isinstance(one.stack, AwsStack)})
    for table in map(table_of, regions):
        if table:
            yield from text.sources(table)


def as_data(intent: Intent) -> dict[str, Any]:
    """A stack's price as plain data; the keys are part of the tool's contract.

    Amounts are texts, so that no cent is lost. Where no price is known, `total` is null.
    """
    stack = intent.stack
    if not isinstance(stack, AwsStack):
        return {"currency": CURRENCY, "total": "0.00", "lines": []}
    table = table_of(stack.aws_region)
    if table is None:
        return {"currency": CURRENCY, "region": stack.aws_region, "total": None, "lines": []}
    return {
        "currency": CURRENCY,
        "region": table.region,
        "date": table.date.isoformat(),
        "hours": HOURS,
        "usage": dict(stack.usage),
        **_bill(bill(stack, table)),
        "egress": {
            one.segment: {
                "chosen": one.chosen,
                "totals": {way: None if usd is None else str(usd) for way, usd in one.totals.items()},
            }
            for one in choices(stack, intent.network, table)
        },
        "not_built": {"fixed_address": _bill(fixed_address(stack, table))},
        "left_out": text.NOT_COUNTED,
    }


def _bill(reckoned: Bill) -> dict[str, Any]:
    return {"total": str(reckoned.total), "lines": [_line(line) for line in reckoned.lines]}


def _line(line: Line) -> dict[str, str]:
    source = line.price.source
    return {
        "what": line.what,
        "how": line.how,
        "usd": str(line.usd),
        "price": f"{line.price.usd}",
        "unit": line.price.unit,
        "source": source.page,
        "read_in": source.read_in,
        "stated": source.stated.isoformat(),
    }
