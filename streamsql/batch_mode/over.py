"""OVER as DuckDB SQL."""

from __future__ import annotations

from streamsql.batch_mode.aggregates import aggregate_sql, needs_first_appearance
from streamsql.batch_mode.errors import NoBatchForm
from streamsql.batch_mode.ranks import sort_term
from streamsql.batch_mode.relation import Lowering, Relation, column, distinct_ids, order_terms, select_list
from streamsql.batch_mode.replay import without_dropped
from streamsql.expr.aggregates import IGNORE_NULLS, AggregateCall, is_frame_call, skips_nulls
from streamsql.expr.duckdb_sql import duckdb_type
from streamsql.expr.types import INTEGERS, Kind, SqlType
from streamsql.expr.windows import Without
from streamsql.plan.final_order import final_order
from streamsql.plan.logical import OverAggregate
from streamsql.plan.row_orders import OverOrder
from streamsql.plan.traits import over_order

_OF_FRAME = {"NTH_VALUE": "nth_value", "LAST_OF_FRAME": "last_value"}
_BY_PEERS = frozenset({"RANK", "DENSE_RANK", "PERCENT_RANK", "CUME_DIST"})


def lower_over(plan: OverAggregate, source: Relation, lowering: Lowering) -> Relation:
    """Each row with its results; in the order of time where the stream goes by it."""
    kind = over_order(plan)
    rows = without_dropped(plan, source, (), lowering)
    windows = _Windows(plan, rows, kind)
    results = plan.fields[len(plan.fields) - len(plan.calls) :]
    items = {each: each for each in source.columns}
    for call, field in zip(plan.calls, results, strict=True):
        items[column(field.id)] = windows.result(call, field.type)
    time = (column(plan.order[0].column),) if kind is OverOrder.TIME else ()
    order = (*time, *rows.ordinals)
    ids = tuple(dict.fromkeys((*source.ids, *distinct_ids(plan.fields))))
    body = f"SELECT {select_list(items, order)} FROM {rows.name}"
    return Relation(lowering.add(body), ids, len(order), ordinals_only=rows.ordinals_only and not time)


class _Windows:
    """The OVER clauses of one node: with what tells equal rows apart, and without."""

    def __init__(self, plan: OverAggregate, rows: Relation, kind: OverOrder) -> None:
        self._plan = plan
        self._by = f"PARTITION BY {', '.join(column(each) for each in plan.partition)} " if plan.partition else ""
        self._arrival = kind is OverOrder.ARRIVAL
        self._keys = "" if self._arrival else ", ".join(sort_term(each) for each in plan.order)
        ties = rows.arrival
        if kind is OverOrder.VALUES:
            places = final_order(plan.input) or range(len(plan.input.fields))
            ties = order_terms(column(plan.input.fields[each].id) for each in places)
        self._order = ", ".join(each for each in (self._keys, ties) if each)

    def result(self, call: AggregateCall, type_: SqlType) -> str:
        """The SQL of one call."""
        if not is_frame_call(call):
            return f"CAST({self._placed(call)} AS {duckdb_type(type_)})"
        if needs_first_appearance(call):
            raise NoBatchForm(f"{call.function}(DISTINCT …) OVER (…)", span=call.span)
        window = f" OVER ({self._by}{self._framed(call)})"
        if call.function in ("FIRST_VALUE", "LAST_VALUE"):
            return f"{self._first_or_last(call)}{window}"
        return aggregate_sql(call, self._order, window=window)

    def _first_or_last(self, call: AggregateCall) -> str:
        """DuckDB has these as window functions, which take no FILTER."""
        if call.order:
            raise NoBatchForm(f"{call.function}(… ORDER BY …) OVER (…)", span=call.span)
        value = column(call.args[0])
        if call.filter is not None:
            value = f"CASE WHEN {column(call.filter)} THEN {value} END"
        return f"{call.function.lower()}({value} IGNORE NULLS)"

    def _placed(self, call: AggregateCall) -> str:
        peers = call.function in _BY_PEERS and not self._arrival
        args = [column(each) for each in call.args]
        args[1:1] = [str(each) for each in call.options if each != IGNORE_NULLS]
        nulls = " IGNORE NULLS" if skips_nulls(call) else ""
        if call.function in _OF_FRAME:
            return f"{_OF_FRAME[call.function]}({', '.join(args)}{nulls}) OVER ({self._by}{self._framed(call)})"
        over = f"OVER ({self._by}ORDER BY {self._keys if peers else self._order})"
        return f"{call.function.lower()}({', '.join(args)}{nulls}) {over}"

    def _framed(self, call: AggregateCall) -> str:
        frame = self._plan.frame
        if self._arrival and not frame.by_rows and frame.start:
            raise NoBatchForm("RANGE over processing time", span=call.span)
        if frame.by_rows and frame.without in (Without.GROUP, Without.TIES):
            raise NoBatchForm(f"ROWS with EXCLUDE {frame.without.value}", span=call.span)
        by_rows = frame.by_rows or self._arrival
        order = self._order if by_rows else self._wide_keys()
        low, high = self._bound(frame.start, "PRECEDING"), self._bound(frame.end, "FOLLOWING")
        unit = "ROWS" if by_rows else frame.unit
        without = "" if frame.without is None else f" EXCLUDE {frame.without.value}"
        return f"{f'ORDER BY {order} ' if order else ''}{unit} BETWEEN {low} AND {high}{without}"

    def _wide_keys(self) -> str:
        """The keys, wide enough for a bound by value to lie beyond their type."""
        key, frame = self._plan.order[0] if self._plan.order else None, self._plan.frame
        if key is None or frame.unit != "RANGE" or not (frame.start or frame.end):
            return self._keys
        types = {each.id: each.type for each in self._plan.input.fields}
        name = column(key.column)
        wide = f"CAST({name} AS HUGEINT)"
        return self._keys.replace(name, wide, 1) if types[key.column].kind in INTEGERS else self._keys

    def _bound(self, distance: int | None, edge: str) -> str:
        if distance is None:
            return f"UNBOUNDED {edge}"
        if distance == 0:
            return "CURRENT ROW"
        side = "PRECEDING" if distance < 0 else "FOLLOWING"
        if self._plan.frame.unit != "RANGE":
            return f"{abs(distance)} {side}"
        types = {each.id: each.type for each in self._plan.input.fields}
        return f"{_far(abs(distance), types[self._plan.order[0].column])} {side}"


def _far(distance: int, key: SqlType) -> str:
    match key.kind:
        case Kind.TIMESTAMP | Kind.TIMESTAMP_LTZ:
            return f"INTERVAL {distance} MICROSECONDS"
        case Kind.DATE:
            return f"INTERVAL {distance} DAYS"
        case _:
            return str(distance)
