"""A comparison as plain text."""

from __future__ import annotations

import pyarrow as pa

from streamsql.batch_mode.compare import Cause, Comparison
from streamsql.batch_mode.difference import Difference
from streamsql.expr.text import duration_text
from streamsql.plan.logical import Cumulate, Hop, Plan, Session, Tumble

_EXAMPLES = 10
_WIDTH = 200


def render_comparison(comparison: Comparison) -> str:
    """Rows and times of both sides, then what differs, what time decided, and what nothing explains."""
    lines = [
        f"stream  {_count(comparison.stream_rows)} in {comparison.stream_seconds:.3f} s",
        f"batch   {_count(comparison.batch_rows)} in {comparison.batch_seconds:.3f} s{_ratio(comparison)}",
        *_verdict(comparison),
    ]
    return "\n".join(lines)


def cause_text(cause: Cause) -> list[str]:
    """What one operator decided, a line for late rows, one for cut sessions, one for state that expired.

    For instance `8,412 late rows dropped by WindowAggregate (TUMBLE 1 h)`.
    """
    where = f"{cause.operator}{_window_text(cause.plan)}"
    lines = []
    if cause.late_rows:
        missed = cause.windows_missed
        windows = f", from {missed:,} windows" if missed != cause.late_rows else ""
        lines.append(f"{_count(cause.late_rows, 'late row')} dropped by {where}{windows}")
    if cause.cut_rows:
        lines.append(f"{_count(cause.cut_rows)} in sessions that {where} cut off an earlier one that had closed")
    if cause.behind_rows:
        lines.append(f"{_count(cause.behind_rows, 'late row')} met only what {where} still kept")
    if cause.expired:
        lines.append(f"{_count(cause.expired, 'entry', 'entries')} of state expired by the clock in {where}")
    if cause.ignored_rows:
        lines.append(f"{_count(cause.ignored_rows, 'row')} took back what had expired in {where}")
    return lines


def _verdict(comparison: Comparison) -> list[str]:
    decided = [f"  {line}" for cause in comparison.causes for line in cause_text(cause)]
    found, unexplained = comparison.found, comparison.unexplained
    if not found.rows:
        return ["equal", *(["although time decided:", *decided] if decided else [])]
    lines = [f"{_count(found.rows)} {_differ(found.rows)}: {_sides(found)}"]
    if not unexplained.rows:
        return [*lines, "all explained by", *decided, *_examples(found)]
    lines += ["time decided", *decided] if decided else []
    return [*lines, f"UNEXPLAINED: {_count(unexplained.rows)}: {_sides(unexplained)}", *_examples(unexplained)]


def _differ(rows: int) -> str:
    return "differs" if rows == 1 else "differ"


def _sides(difference: Difference) -> str:
    return f"{difference.stream_only.num_rows:,} only in stream, {difference.batch_only.num_rows:,} only in batch"


def _examples(difference: Difference) -> list[str]:
    """Up to ten rows, from both sides where both have some, as `+ a | b` and `- a | b`."""
    stream, batch = difference.stream_only, difference.batch_only
    half = _EXAMPLES // 2
    of_stream = min(stream.num_rows, max(half, _EXAMPLES - batch.num_rows))
    of_batch = min(batch.num_rows, _EXAMPLES - of_stream)
    more = difference.rows - of_stream - of_batch
    return [
        f"  {' | '.join(stream.column_names)}",
        *(f"+ {line}" for line in _lines(stream.slice(0, of_stream))),
        *(f"- {line}" for line in _lines(batch.slice(0, of_batch))),
        *([f"  … and {_count(more, 'more row')}"] if more else []),
    ]


def _lines(rows: pa.Table) -> list[str]:
    shown = [[_value(each) for each in column.to_pylist()] for column in rows.columns]
    return [_shortened(" | ".join(values)) for values in zip(*shown, strict=True)]


def _value(value: object) -> str:
    return "NULL" if value is None else str(value)


def _shortened(line: str) -> str:
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"


def _count(number: int, what: str = "row", several: str | None = None) -> str:
    return f"{number:,} {what if number == 1 else several or f'{what}s'}"


def _ratio(comparison: Comparison) -> str:
    if comparison.batch_seconds <= 0 or comparison.stream_seconds <= 0:
        return ""
    return f" (stream takes {comparison.stream_seconds / comparison.batch_seconds:.2f} times as long)"


def _window_text(plan: Plan) -> str:
    match getattr(plan, "window", None):
        case Tumble(size=size):
            return f" (TUMBLE {duration_text(size)})"
        case Hop(slide=slide, size=size):
            return f" (HOP {duration_text(slide)}, {duration_text(size)})"
        case Cumulate(step=step, size=size):
            return f" (CUMULATE {duration_text(step)}, {duration_text(size)})"
        case Session(gap=gap):
            return f" (SESSION {duration_text(gap)})"
        case _:
            return ""
