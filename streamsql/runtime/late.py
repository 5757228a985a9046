"""Late rows: every row that an operator dropped because time had passed it, counted and readable as `<table>$late`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import pyarrow as pa

from streamsql.batch import Weights
from streamsql.expr.nodes import Literal
from streamsql.expr.types import INT, INTERVAL_DAY, STRING, Column, Schema, timestamp
from streamsql.operators.base import LateListener, LateRows
from streamsql.plan.logical import (
    GROUPING,
    Field,
    Filter,
    OverAggregate,
    Plan,
    Project,
    Rank,
    Scan,
    Session,
    TimeAttribute,
    Union,
    Unnest,
    WindowAggregate,
    WindowAssign,
    WindowRank,
)
from streamsql.plan.physical import PhysicalNode
from streamsql.plan.row_orders import OverOrder, RankOrder
from streamsql.plan.time_joins import WindowJoin
from streamsql.plan.traits import over_order, rank_order
from streamsql.record import record
from streamsql.runtime.spool import Spool
from streamsql.state.fixed_width import array_of

MARKS = (
    Column("_operator", STRING),
    Column("_watermark", timestamp(6)),
    Column("_lateness", INTERVAL_DAY),
    Column("_windows_missed", INT),
    Column("_op", STRING),
)
"""What a `$late` table says of a row, after the row's own columns."""

_WAITING, _FEW = 64, 1024
"""So many times rows are dropped, each time so few, before they are put into one batch."""


@record(eq=False)
class LateBatch:
    """Rows that one operator dropped; `source` is the table or view whose `$late` they belong to."""

    source: str
    operator: str
    schema: Schema
    rows: pa.RecordBatch


class LateLog:
    """The late rows of a job: one dropped row counts once for each operator that dropped it."""

    def __init__(self) -> None:
        self._operators: dict[str, _OperatorLog] = {}

    @property
    def total(self) -> int:
        return sum(self.counts().values())

    def counts(self) -> dict[str, int]:
        """How many rows each operator dropped, by its name in EXPLAIN; operators that dropped none are absent."""
        found: dict[str, int] = {}
        for log in self._operators.values():
            if log.spool.rows:
                found[log.operator] = found.get(log.operator, 0) + log.spool.rows
        return found

    def listener(self, node: PhysicalNode) -> LateListener:
        """The function that an operator calls with the rows it drops."""
        logs = [
            _OperatorLog(node, port) for port in range(len(node.inputs) if isinstance(node.plan, WindowJoin) else 1)
        ]
        for port, log in enumerate(logs):
            self._operators[f"{node.name} right" if port else node.name] = log
        return lambda late: logs[late.port].add(late)

    def tables(self) -> tuple[str, ...]:
        """The tables and views that have late rows."""
        return tuple(dict.fromkeys(log.source for log in self._operators.values() if log.spool.rows))

    def judged_tables(self) -> tuple[str, ...]:
        """The tables and views that have late rows or could have had some: an operator judged their rows by time."""
        return tuple(dict.fromkeys(log.source for log in self._operators.values() if log.relevant))

    def schema(self, source: str) -> Schema:
        """The columns of `to_table`: those that the table's operators read, then the marks."""
        columns = (each for log in self._logs(source) for each in log.schema.columns[: -len(MARKS)])
        nullable = {each.name: Column(each.name, each.type.with_nullable(True)) for each in columns}
        return Schema((*nullable.values(), *MARKS))

    def to_table(self, source: str) -> pa.Table:
        """The late rows of a table or view; empty if there are none."""
        wanted = self.schema(source).to_arrow()
        found = [wanted.empty_table(), *(log.spool.to_table() for log in self._logs(source))]
        return pa.concat_tables(found, promote_options="default").select(wanted.names)

    def _logs(self, source: str) -> list[_OperatorLog]:
        return [log for log in self._operators.values() if log.source == source and log.relevant]

    def batches(self) -> Iterator[LateBatch]:
        """All late rows, operator by operator, in the order in which they were dropped."""
        for log in self._operators.values():
            for rows in log.spool:
                yield LateBatch(log.source, log.operator, log.schema, rows)

    def forget(self) -> None:
        """Drop the rows; the operators keep their listeners."""
        for log in self._operators.values():
            log.forget()

    def save(self) -> dict[str, pa.Table]:
        """For a snapshot: the late rows of each operator."""
        return {name: log.spool.to_table() for name, log in self._operators.items() if log.spool.rows}

    def load(self, tables: dict[str, pa.Table]) -> None:
        """Take over what `save` gave; the operators must have their listeners."""
        for name, table in tables.items():
            for batch in table.to_batches():
                self._operators[name].spool.append(batch)


class _OperatorLog:
    """The late rows of one input of an operator."""

    def __init__(self, node: PhysicalNode, port: int) -> None:
        fields = node.inputs[port].plan.fields
        self.operator = node.name
        self.source = late_source(node, port)
        self._judges = _judges_by_time(node.plan)
        self._name = pa.scalar(node.name)
        self._one_set = _one_grouping_set(node.inputs[port].plan)
        self._visible = [index for index, each in enumerate(fields) if not each.name.startswith("$")]
        self.schema = Schema((*_columns([fields[index] for index in self._visible]), *MARKS))
        self._spool = Spool(self.schema.to_arrow())
        self._waiting: deque[LateRows] = deque()

    @property
    def spool(self) -> Spool:
        """All rows, in the order in which they were dropped."""
        self._settle()
        return self._spool

    def forget(self) -> None:
        """Drop the rows."""
        self._spool = Spool(self.spool.schema)

    @property
    def relevant(self) -> bool:
        """Whether the operator dropped rows or could have."""
        return self._judges or self.spool.rows > 0

    def add(self, late: LateRows) -> None:
        """Keep rows; a few at a time wait until they are worth a batch, or someone asks."""
        self._waiting.append(late)
        if len(self._waiting) >= _WAITING or late.rows.num_rows > _FEW:
            self._settle()

    def _settle(self) -> None:
        """Put what waits into a batch."""
        late: list[LateRows] = []
        with suppress(IndexError):  # another thread may look at the same time
            while True:
                late.append(self._waiting.popleft())
        if late:
            self._keep(late)

    def _keep(self, late: list[LateRows]) -> None:
        """Write rows with their marks; of a row that counts in several grouping sets only the first copy."""
        rows = pa.concat_batches([each.rows for each in late])
        marks = [
            pa.repeat(self._name, rows.num_rows),
            array_of(np.concatenate([each.watermarks for each in late]), None, pa.timestamp("us")),
            array_of(np.concatenate([each.lateness for each in late]), None, pa.duration("us")),
            array_of(np.concatenate([each.windows_missed for each in late]), None, pa.int32()),
            pa.concat_arrays([_row_kinds(each.weights, each.rows.num_rows) for each in late]),
        ]
        columns = [*(rows.column(index) for index in self._visible), *marks]
        kept = pa.RecordBatch.from_arrays(columns, schema=self._spool.schema)
        if self._one_set is not None:
            position, number = self._one_set
            kept = kept.filter(pa.array(rows.column(position).to_numpy() == number))
        self._spool.append(kept)


def _one_grouping_set(plan: Plan) -> tuple[int, int] | None:
    """The position of the column that tells grouping sets apart, and the number of the first one."""
    place = next((index for index, each in enumerate(plan.fields) if each.name == GROUPING), None)
    while place is not None and isinstance(plan, Filter | Project | WindowAssign | Unnest):
        if isinstance(plan, Unnest) and plan.elements[0].name == GROUPING and isinstance(plan.expr, Literal):
            match plan.expr.value:
                case (int(number), *_):
                    return place, number
        plan = plan.input
    return None


def late_source(node: PhysicalNode, port: int) -> str:
    """The table that the operator reads directly, the view that unites several, else the operator's own name."""
    if len(node.inputs) != 1 and not isinstance(node.plan, WindowJoin):
        return node.name
    plan: Plan = node.inputs[port].plan
    while isinstance(plan, Filter | Project | WindowAssign | Unnest):
        plan = plan.input
    match plan:
        case Scan():
            return plan.table.name
        case Union(view=str(view)):
            return view
        case _:
            return node.name


def _judges_by_time(plan: Plan) -> bool:
    match plan:
        case WindowAggregate(time=time) | WindowRank(time=time) | WindowAssign(window=Session(), time=time):
            return time.time is not TimeAttribute.PROCESSING
        case WindowJoin():
            return True
        case Rank():
            return rank_order(plan) is RankOrder.FIRST_BY_TIME
        case OverAggregate():
            return over_order(plan) is OverOrder.TIME
        case _:
            return False


def _columns(fields: list[Field]) -> list[Column]:
    """The fields as columns of distinct names: a second `a` is `a_2`."""
    columns: list[Column] = []
    seen: dict[str, int] = {}
    for each in fields:
        seen[each.name] = seen.get(each.name, 0) + 1
        name = each.name if seen[each.name] == 1 else f"{each.name}_{seen[each.name]}"
        columns.append(Column(name, each.type))
    return columns


def _row_kinds(weights: Weights | None, count: int) -> pa.Array:
    if weights is None:
        return pa.repeat(pa.scalar("+I"), count)
    return pa.array(np.where(weights > 0, "+I", "-D"), pa.string())
