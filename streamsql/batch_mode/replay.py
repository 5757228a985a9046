"""The stream's recorded decisions, applied to the rows of the batch query by value."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.batch_mode.decisions import cut_rows, dropped_rows
from streamsql.batch_mode.relation import Lowering, Relation, column
from streamsql.plan.logical import Plan, UnaryPlan


def without_dropped(plan: Plan, rows: Relation, window: Sequence[str], lowering: Lowering, port: int = 0) -> Relation:
    """The rows less those that the stream dropped from the window (named by its columns in `rows`; () : from all).
    `port`: the input of the node that they are.

    Of equal rows the last arrivals go: what is late stays late. Where the stream dropped more retractions of a row than
    additions, the row is still there in the stream, so it is added.
    """
    dropped = dropped_rows(plan, lowering.recorded.of(plan), port)
    if dropped is None:
        return rows
    values = (*_input_columns(plan, port), *window)
    weight = f"sum({dropped.column_names[-1]})"
    matched, nth = _matched(rows, values, dropped, weight, lowering)
    body = (
        f"SELECT * EXCLUDE (decided) FROM {matched} WHERE decided IS NULL UNION ALL BY NAME "
        f"SELECT * EXCLUDE (decided, nth) FROM (SELECT *, {nth} AS nth FROM {matched} WHERE decided IS NOT NULL) "
        "WHERE nth > decided"
    )
    if pc.min(dropped.column(dropped.num_columns - 1)).as_py() < 0:
        body += f" UNION ALL BY NAME {_still_there(values, dropped, weight, lowering)}"
    return Relation(lowering.add(body), rows.ids, rows.order, ordinals_only=rows.ordinals_only)


def with_generations(plan: UnaryPlan, rows: Relation, lowering: Lowering) -> str:
    """The rows with a column `generation`: how many closed sessions of the chain lay before the row's own one.

    Of equal rows the later arrivals have the higher generation, as a closed session stays closed.
    """
    cut = cut_rows(lowering.recorded.of(plan))
    if cut is None:
        return lowering.add(f"SELECT *, 0::BIGINT AS generation FROM {rows.name}")
    generation = cut.column_names[-1]
    highest_first = f"list({generation} ORDER BY {generation} DESC)"
    matched, nth = _matched(rows, _input_columns(plan), cut, highest_first, lowering)
    return lowering.add(
        f"SELECT * EXCLUDE (decided), 0::BIGINT AS generation FROM {matched} WHERE decided IS NULL UNION ALL "
        f"SELECT * EXCLUDE (decided), coalesce(decided[{nth}], 0) AS generation "
        f"FROM {matched} WHERE decided IS NOT NULL"
    )


def _still_there(values: Sequence[str], dropped: pa.Table, weight: str, lowering: Lowering) -> str:
    """Rows whose retraction was dropped, each as often as that happened, with nothing known of their arrival."""
    names = dropped.column_names[: len(values)]
    table = lowering.add_table(dropped)
    summed = f"SELECT {', '.join(names)}, {weight} AS decided FROM {table} GROUP BY {', '.join(names)}"
    columns = ", ".join(f"{name} AS {value}" for name, value in zip(names, values, strict=True))
    return f"SELECT {columns} FROM ({summed}) AS d, LATERAL (SELECT unnest(range(-decided::BIGINT))) WHERE decided < 0"


def _matched(
    rows: Relation, values: Sequence[str], recorded: pa.Table, summary: str, lowering: Lowering
) -> tuple[str, str]:
    """The rows with `decided`, the summary of the recorded rows that equal them in `values` (NULL without any).

    Also SQL that numbers equal rows, the last arrival first. Few rows are matched, so only those need numbering.
    """
    names = recorded.column_names[: len(values)]
    table = lowering.add_table(recorded)
    summed = f"SELECT {', '.join(names)}, {summary} AS decided FROM {table} GROUP BY {', '.join(names)}"
    same = " AND ".join(f"rows.{a} IS NOT DISTINCT FROM d.{b}" for a, b in zip(values, names, strict=True))
    joined = f"SELECT rows.*, decided FROM {rows.name} AS rows LEFT JOIN ({summed}) AS d ON {same}"
    last_first = ", ".join(f"{each} DESC NULLS LAST" for each in rows.ordinals)
    nth = f"row_number() OVER (PARTITION BY {', '.join(values)} ORDER BY {last_first})"
    return lowering.add(joined, keep=True), nth


def _input_columns(plan: Plan, port: int = 0) -> tuple[str, ...]:
    return tuple(column(each.id) for each in plan.inputs[port].fields)
