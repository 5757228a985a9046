"""The decisions that a stream run recorded, as Arrow tables that a query can join."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.batch_mode.conform import to_duckdb
from streamsql.operators.base import LateRows, SessionCut
from streamsql.plan.identity import Identities
from streamsql.plan.logical import OverAggregate, Plan, Rank, Session, WindowAggregate, WindowAssign
from streamsql.plan.time_joins import WindowJoin
from streamsql.runtime.decisions import Decision


class Recorded:
    """The decisions of a run, by plan node: nodes of one structure share an operator, whatever their column ids."""

    def __init__(self, plan: Plan, decisions: Sequence[Decision]) -> None:
        self._identities = Identities((plan, *(each.plan for each in decisions)))
        self._by_node: dict[int, list[Decision]] = {}
        for each in decisions:
            self._by_node.setdefault(self._identities.key(each.plan), []).append(each)

    def of(self, plan: Plan) -> Sequence[Decision]:
        """What the operator of a node decided, in order."""
        return self._by_node.get(self._identities.key(plan), ()) if self._by_node else ()


def dropped_rows(plan: Plan, decisions: Sequence[Decision], port: int = 0) -> pa.Table | None:
    """What the operator dropped of one input: its columns, window start and end (µs), weight; None if nothing.

    One row per dropped row and window. A session is no part of its rows' identity, a ranking without windows has none,
    and a join's window is in the columns: start and end are 0.
    """
    late = [each.what for each in decisions if isinstance(each.what, LateRows) and each.what.port == port]
    whole = isinstance(plan, Rank | OverAggregate | WindowJoin) or (
        isinstance(plan, WindowAggregate | WindowAssign) and isinstance(plan.window, Session)
    )
    return _concat([_whole(each) if whole else _by_window(each) for each in late])


def cut_rows(decisions: Sequence[Decision]) -> pa.Table | None:
    """The rows of sessions that a node's operator cut: its input's columns, then the generation; None if nothing."""
    cuts = [each.what for each in decisions if isinstance(each.what, SessionCut)]
    return _concat([_numbered(each.rows, each.generation) for each in cuts])


def _whole(late: LateRows) -> pa.Table:
    nothing = np.zeros(late.rows.num_rows, np.int64)
    return _numbered(late.rows, nothing, nothing, _weights(late))


def _by_window(late: LateRows) -> pa.Table:
    row, start, end = late.missed.T
    return _numbered(late.rows.take(pa.array(row)), start, end, _weights(late)[row])


def _weights(late: LateRows) -> npt.NDArray[np.int64]:
    return np.ones(late.rows.num_rows, np.int64) if late.weights is None else late.weights.astype(np.int64)


def _numbered(rows: pa.RecordBatch, *extra: npt.NDArray[np.int64]) -> pa.Table:
    """The rows with further integer columns; all columns named by position, as names may repeat."""
    arrays = [*map(to_duckdb, rows.columns), *(pa.array(np.ascontiguousarray(each)) for each in extra)]
    return pa.Table.from_arrays(arrays, names=[f"f{index}" for index in range(len(arrays))])


def _concat(parts: Sequence[pa.Table]) -> pa.Table | None:
    filled = [each for each in parts if each.num_rows]
    return pa.concat_tables(filled) if filled else None
