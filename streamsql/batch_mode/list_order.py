"""LISTAGG over rows that were updated: which came last is known to the stream alone, so its order does not count."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from streamsql.batch_mode.connection import open_cursor
from streamsql.expr.duckdb_text import quoted
from streamsql.expr.nodes import ColumnRef
from streamsql.plan.logical import Aggregate, Plan, Project, Union, WindowAggregate
from streamsql.plan.traits import traits


def unordered_lists(plan: Plan) -> Mapping[int, str]:
    """Positions of result columns that hold a LISTAGG over updated rows, and what separates its parts."""
    found = _by_id(plan)
    return {index: found[each.id] for index, each in enumerate(plan.fields) if each.id in found}


def in_any_order(table: pa.Table, lists: Mapping[int, str]) -> pa.Table:
    """The table with the parts of those columns sorted."""
    if not lists:
        return table
    names = [f"k{index}" for index in range(table.num_columns)]
    items = ", ".join(_sorted(name, lists.get(index)) for index, name in enumerate(names))
    with open_cursor() as cursor:
        cursor.register("rows", table.rename_columns(names))
        columns = cursor.sql(f"SELECT {items} FROM rows").to_arrow_table()
    for index in lists:
        table = table.set_column(index, table.field(index), columns.column(names[index]))
    return table


def _sorted(name: str, separator: str | None) -> str:
    if separator is None:
        return f"0 AS {name}"
    mark = quoted(separator)
    return f"array_to_string(list_sort(string_split({name}, {mark})), {mark}) AS {name}"


def _by_id(plan: Plan) -> dict[int, str]:
    """Column ids of such lists, as far as they are passed on unchanged."""
    found = {id_: separator for each in plan.inputs for id_, separator in _by_id(each).items()}
    match plan:
        case Aggregate() | WindowAggregate() if not traits(plan.input).append_only:
            results = zip(plan.fields[len(plan.keys) :], plan.calls, strict=False)
            found |= {each.id: str(call.options[0]) for each, call in results if call.function == "LISTAGG"}
        case Project():
            passed = zip(plan.fields, plan.exprs, strict=True)
            found |= {each.id: found[ref.id] for each, ref in passed if isinstance(ref, ColumnRef) and ref.id in found}
        case Union():
            for branch in plan.branches:
                given = zip(plan.fields, branch.fields, strict=True)
                found |= {each.id: found[below.id] for each, below in given if below.id in found}
    return found
