"""Sessions as gaps and islands: rows of one key, in time order, belong together while no gap is exceeded."""

from __future__ import annotations

from collections.abc import Sequence

from streamsql.batch_mode.relation import Lowering, Relation, column
from streamsql.batch_mode.replay import with_generations, without_dropped
from streamsql.plan.logical import Session, WindowAggregate, WindowAssign, WindowRank

Windowing = WindowAggregate | WindowAssign | WindowRank
"""The nodes that know windows; sessions occur in the first two."""

SESSION = ("generation", "island")
"""Hidden columns that tell sessions of one key apart: which one of a cut chain, which one in time order."""
TIME, REACH = "us", "reach"
"""Hidden columns (µs): the row's time, and how far the session of this row alone would reach."""


def session_rows(
    plan: Windowing, window: Session, source: Relation, keys: Sequence[int], lowering: Lowering
) -> Relation:
    """Each row with the number of its session among those of its key (and generation).

    A distance of exactly the gap still belongs to the session.
    """
    kept = without_dropped(plan, source, (), lowering)
    cut = with_generations(plan, kept, lowering)
    by = ", ".join((*(column(each) for each in dict.fromkeys(keys)), "generation"))
    micros = f"epoch_us({column(plan.time.id)})"
    timed = f"SELECT *, {micros} AS us, {micros} + {window.gap} AS reach FROM {cut}"
    step = f"us - lag(us) OVER (PARTITION BY {by} ORDER BY us)"
    marked = f"SELECT *, CASE WHEN {step} > {window.gap} THEN 1 ELSE 0 END AS begins FROM ({timed})"
    # A range, not rows: of rows of one time, any may be the one that begins.
    island = f"sum(begins) OVER (PARTITION BY {by} ORDER BY us RANGE UNBOUNDED PRECEDING)"
    name = lowering.add(f"SELECT * EXCLUDE (begins), {island} AS island FROM ({marked})")
    return Relation(name, source.ids, source.order, ordinals_only=source.ordinals_only)
