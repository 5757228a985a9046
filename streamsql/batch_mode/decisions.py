"""The decisions that a stream run recorded, as Arrow tables that a query can join."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from streamsql.operators.base import LateRows, SessionCut
from streamsql.plan.logical import Plan, Session, WindowAggregate, WindowAssign
from streamsql.runtime.decisions import Decision


def dropped_rows(plan: Plan, decisions: Sequence[Decision]) -> pa.Table | None:
    """What the operator of this node dropped: its input's columns, then window start and end (µs); None if nothing.

    One row per dropped row and window. A session is no part of its rows' identity: start and end are 0.
    """
    late = [each.what for each in decisions if isinstance(each.what, LateRows) and each.plan == plan]
    sessions = isinstance(plan, WindowAggregate | WindowAssign) and isinstance(plan.window, Session)
    return _concat([_whole(each) if sessions else _by_window(each) for each in late])


def cut_rows(plan: Plan, decisions: Sequence[Decision]) -> pa.Table | None:
    """The rows of sessions that this node's operator cut: its input's columns, then the generation; None if nothing."""
    cuts = [each.what for each in decisions if isinstance(each.what, SessionCut) and each.plan == plan]
    return _concat([_numbered(each.rows, each.generation) for each in cuts])


def _whole(late: LateRows) -> pa.Table:
    nothing = np.zeros(late.rows.num_rows, np.int64)
    return _numbered(late.rows, nothing, nothing)


def _by_window(late: LateRows) -> pa.Table:
    return _numbered(late.rows.take(pa.array(late.missed[:, 0])), late.missed[:, 1], late.missed[:, 2])


def _numbered(rows: pa.RecordBatch, *extra: npt.NDArray[np.int64]) -> pa.Table:
    """The rows with further integer columns; all columns named by position, as names may repeat."""
    arrays = [*rows.columns, *(pa.array(np.ascontiguousarray(each)) for each in extra)]
    return pa.Table.from_arrays(arrays, names=[f"f{index}" for index in range(len(arrays))])


def _concat(parts: Sequence[pa.Table]) -> pa.Table | None:
    filled = [each for each in parts if each.num_rows]
    return pa.concat_tables(filled) if filled else None
