"""What a listener gets to know of rows that came too late for their session."""

from __future__ import annotations

import numpy as np

from streamsql.batch import Batch, Times
from streamsql.operators.base import LateRows
from streamsql.operators.lateness import Mask
from streamsql.time import Duration


def late_for_sessions(batch: Batch, late: Mask, times: Times, watermarks: Times, gap: Duration) -> LateRows:
    """The rows where `late` holds; each would have begun a session of its own."""
    rows, times, held = batch.filter(late), times[late], watermarks[late]
    missed = np.stack([np.arange(len(times)), times, times + gap], axis=1)
    return LateRows(rows.rows, rows.weights, held, held - times, np.ones(len(times), np.int32), missed)
