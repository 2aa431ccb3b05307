"""Graphs with one thing changed. Parts that stay are the same objects: what was prepared of them serves again."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from twinvpc.proof.aws.graph import Acl, AwsGraph, Entry, Group, GroupRule, Route, RouteTable

T = TypeVar("T")


def with_group(graph: AwsGraph, group: Group, rules: Iterable[GroupRule]) -> AwsGraph:
    """The graph with a group's rules replaced."""
    changed = replace(group, rules=tuple(sorted(set(rules))))
    return replace(graph, groups=_swapped(graph.groups, group, changed))


def with_acl(graph: AwsGraph, acl: Acl, entries: Iterable[Entry]) -> AwsGraph:
    """The graph with an ACL's entries replaced."""
    changed = replace(acl, entries=tuple(sorted(entries)))
    return replace(graph, acls=_swapped(graph.acls, acl, changed))


def with_table(graph: AwsGraph, table: RouteTable, routes: Iterable[Route]) -> AwsGraph:
    """The graph with a table's routes replaced."""
    changed = replace(table, routes=tuple(sorted(routes)))
    return replace(graph, tables=_swapped(graph.tables, table, changed))


def without_table(graph: AwsGraph, table: RouteTable, subnet: str) -> AwsGraph:
    """The graph with a subnet left to the main table."""
    changed = replace(table, subnets=less(table.subnets, subnet))
    return replace(graph, tables=_swapped(graph.tables, table, changed))


def without_acl(graph: AwsGraph, acl: Acl, subnet: str) -> AwsGraph:
    """The graph with a subnet left to the default ACL."""
    changed = replace(acl, subnets=less(acl.subnets, subnet))
    return replace(graph, acls=_swapped(graph.acls, acl, changed))


def less(items: Iterable[T], item: T) -> tuple[T, ...]:
    """All items but one."""
    return tuple(one for one in items if one != item)


def _swapped(items: tuple[T, ...], old: T, new: T) -> tuple[T, ...]:
    return tuple(new if one is old else one for one in items)
