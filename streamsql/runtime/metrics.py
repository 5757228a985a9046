"""What a job counts: steps, rows in and out of each operator, rows and bytes of state."""

from __future__ import annotations

from dataclasses import field

from streamsql.record import record
from streamsql.time import BEGIN_OF_TIME, Time


@record(frozen=False)
class NodeMetrics:
    """Rows that an operator took in and gave out; for a source only the latter."""

    rows_in: int = 0
    rows_out: int = 0
    state_rows: int = 0


@record(frozen=False)
class JobMetrics:
    """Counts of a whole job; `nodes` by the operator's name in EXPLAIN."""

    steps: int = 0
    rows: int = 0
    nodes: dict[str, NodeMetrics] = field(default_factory=dict)


@record
class StateSize:
    """What is kept between steps: rows, groups or pairs, and the bytes of memory that hold them."""

    rows: int = 0
    bytes: int = 0


@record
class Progress:
    """Where a running job stands: rows read, the smallest watermark of its sources, late rows, rejects."""

    rows: int = 0
    watermark: Time = BEGIN_OF_TIME
    late: int = 0
    rejects: int = 0
