"""What a stream's joins by time could no longer see, as DuckDB SQL over the watermarks beside the rows."""

from __future__ import annotations

from streamsql.batch_mode.relation import Lowering, Relation, column
from streamsql.plan.time_joins import IntervalJoin

BEFORE_ALL = "(-9223372036854775808)::BIGINT"


def still_there(plan: IntervalJoin, left: Relation, right: Relation, lowering: Lowering) -> str:
    """Whether the earlier of two rows had not expired when the later one came, as SQL over `l` and `r`.

    A row that is no single row of a source came when the watermark reached its time.
    """
    left_end = f"epoch_us(l.{column(plan.left_time.id)}) + ({plan.reaches[0]})"
    right_end = f"epoch_us(r.{column(plan.right_time.id)}) + ({plan.reaches[1]})"
    match left.ordinals_only, right.ordinals_only:
        case True, True:
            later = f"({arrived('r', lowering)} >= {arrived('l', lowering)})"
            return f"CASE WHEN {later} THEN {left_end} > {watermark('r')} ELSE {right_end} > {watermark('l')} END"
        case True, False:
            return f"greatest(epoch_us(r.{column(plan.right_time.id)}), {right_end}) > {watermark('l')}"
        case False, True:
            return f"greatest(epoch_us(l.{column(plan.left_time.id)}), {left_end}) > {watermark('r')}"
        case _:
            return "TRUE"


def watermark(alias: str) -> str:
    """The watermark before a row."""
    return f"coalesce({alias}.o0, {BEFORE_ALL})"


def arrived(alias: str, lowering: Lowering) -> str:
    """The place of a row among those of all sources, to be compared."""
    return f"({', '.join(f'coalesce({alias}.o{i}, {BEFORE_ALL})' for i in range(lowering.arrival_width))})"
