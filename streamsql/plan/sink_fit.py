"""Whether a table can take what a query produces; said before anything runs."""

from __future__ import annotations

from streamsql.errors import SqlError
from streamsql.plan.logical import SinkPlan
from streamsql.plan.trait_values import Traits, Updating
from streamsql.plan.traits import traits
from streamsql.ports import SinkMode


def refuse_unfit(plan: SinkPlan, mode: SinkMode) -> None:
    """SqlError where an updating query is to be written to a table that keeps what it got, or that has another key."""
    known = traits(plan)
    because = known.updating_because
    if because is None or mode == "changelog":
        return
    if mode == "append":
        raise _only_appends(plan, because)
    ids = {each.id for each in plan.fields if each.name in plan.table.primary_key}
    if not any(key <= ids for key in known.unique_keys):
        raise _other_key(plan, known, because)


def _only_appends(plan: SinkPlan, because: Updating) -> SqlError:
    return SqlError(
        f"{plan.table.name} only takes rows that stay, but {because.clause} makes this query updating",
        span=because.span or plan.span,
        hint="make the results final, with GROUP BY over a window such as TUMBLE; or write to a table that takes "
        "changes, such as one with 'format' = 'debezium-json' or 'changelog' = 'op'",
    )


def _other_key(plan: SinkPlan, known: Traits, because: Updating) -> SqlError:
    names = {each.id: each.name for each in plan.fields}
    primary = ", ".join(plan.table.primary_key)
    key = next((", ".join(names[each] for each in names if each in found) for found in known.unique_keys), None)
    own = "have no key" if key is None else f"have the key ({key})"
    declare = "" if key is None else f"declare PRIMARY KEY ({key}) NOT ENFORCED; or "
    return SqlError(
        f"{plan.table.name} is written by its PRIMARY KEY ({primary}), but the rows of this query {own}: "
        f"{because.clause} makes it updating, and takes back rows by that",
        span=because.span or plan.span,
        hint=f"{declare}GROUP BY {primary}; or write to a table without PRIMARY KEY that takes changes",
    )
