"""Sessions as gaps and islands: rows of one key, in time order, belong together while no gap is exceeded."""

from __future__ import annotations

from collections.abc import Sequence

from streamsql.batch_mode.relation import Lowering, Relation, column
from streamsql.batch_mode.replay import with_generations, without_dropped
from streamsql.plan.logical import Session, WindowAggregate, WindowAssign, WindowRank


def session_rows(
    plan: WindowAggregate | WindowAssign | WindowRank,
    window: Session,
    source: Relation,
    keys: Sequence[int],
    lowering: Lowering,
) -> Relation:
    """Each row with `ws` and `we`, the first time of its session and the last one plus the gap (µs).

    A distance of exactly the gap still belongs to the session.
    """
    kept = without_dropped(plan, source, (), lowering)
    cut = with_generations(plan, kept, lowering)
    by = ", ".join((*(column(each) for each in dict.fromkeys(keys)), "generation"))
    timed = f"SELECT *, epoch_us({column(plan.time.id)}) AS us FROM {cut}"
    step = f"us - lag(us) OVER (PARTITION BY {by} ORDER BY us)"
    marked = f"SELECT *, CASE WHEN {step} > {window.gap} THEN 1 ELSE 0 END AS begins FROM ({timed})"
    island = f"sum(begins) OVER (PARTITION BY {by} ORDER BY us ROWS UNBOUNDED PRECEDING)"
    numbered = f"SELECT *, {island} AS island FROM ({marked})"
    bounds = f"min(us) OVER w AS ws, max(us) OVER w + {window.gap} AS we"
    columns = ", ".join((*source.columns, *source.ordinals))
    body = f"SELECT {columns}, {bounds} FROM ({numbered}) WINDOW w AS (PARTITION BY {by}, island)"
    return Relation(lowering.add(body), source.ids, source.order, ordinals_only=source.ordinals_only)
