"""Sessions as gaps and islands: rows of one key, in time order, belong together while no gap is exceeded."""

from __future__ import annotations

from collections.abc import Sequence

from streamsql.batch_mode.relation import Lowering, Relation, column
from streamsql.batch_mode.replay import with_generations, without_dropped
from streamsql.plan.logical import Session, WindowAggregate, WindowAssign

GENERATION, ISLAND, MICROS = "generation", "island", "us"
"""Hidden columns: which session of a cut chain, which session of the key, the row's time (µs)."""


def session_rows(
    plan: WindowAggregate | WindowAssign, window: Session, source: Relation, keys: Sequence[int], lowering: Lowering
) -> Relation:
    """Each row with the number of its session among those of its key (and generation).

    A distance of exactly the gap still belongs to the session.
    """
    kept = without_dropped(plan, source, (), lowering)
    cut = with_generations(plan, kept, lowering)
    by = ", ".join((*(column(each) for each in dict.fromkeys(keys)), GENERATION))
    timed = f"SELECT *, epoch_us({column(plan.time.id)}) AS {MICROS} FROM {cut}"
    step = f"{MICROS} - lag({MICROS}) OVER (PARTITION BY {by} ORDER BY {MICROS})"
    marked = f"SELECT *, CASE WHEN {step} > {window.gap} THEN 1 ELSE 0 END AS begins FROM ({timed})"
    island = f"sum(begins) OVER (PARTITION BY {by} ORDER BY {MICROS} ROWS UNBOUNDED PRECEDING)"
    name = lowering.add(f"SELECT * EXCLUDE (begins), {island} AS {ISLAND} FROM ({marked})")
    return Relation(name, source.ids, source.order, ordinals_only=source.ordinals_only)
