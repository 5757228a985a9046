"""Which tables a statement names, before it is bound."""

from __future__ import annotations

from typing import Any

from streamsql.plan.logical import Table
from streamsql.sql import dialect as d
from streamsql.sql.bind_relations import table_name
from streamsql.sql.context import Environment, View
from streamsql.sql.dialect import exp


def mentions(tree: Any) -> list[str]:
    """Each name that stands where a table may stand, names of WITH items included, as often as it does.

    >>> from streamsql.sql.parse import parse_script
    >>> (parsed,) = parse_script("INSERT INTO a SELECT * FROM b JOIN b AS c ON TRUE")
    >>> sorted(mentions(parsed.tree))
    ['a', 'b', 'b']
    """
    return [table_name(each) for each in tree.find_all(exp.Table)]


def reached_names(tree: Any, environment: Environment) -> frozenset[str]:
    """The names that a statement reads, and those that the views among them read; not those it writes."""
    reached: set[str] = set()
    waiting = {name for each in _reading(tree) for name in mentions(each)}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        # Looking up `t$late` would fail where nothing has run yet; it is never a view.
        found = None if "$" in name else environment.lookup(name)
        waiting |= reads(found) - reached
    return frozenset(reached)


def reads(found: Table | View | None) -> frozenset[str]:
    """The names that a view reads itself, materialised or not; a table reads none."""
    if isinstance(found, View):
        return frozenset(mentions(found.query))
    return frozenset() if found is None else found.reads


def _reading(tree: Any) -> list[Any]:
    match tree:
        case d.InsertInto():
            return [tree.args["query"]]
        case d.CreateTable():
            return [tree.args["query"]] if tree.args.get("query") is not None else []
        case d.StatementSet():
            return [each.args["query"] for each in tree.expressions]
        case _:
            return [tree]
