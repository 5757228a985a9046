"""What bounds the state of an operator, in words: `number of keys (k)`, `watermark + 1 h`, `UNBOUNDED …`."""

from __future__ import annotations

from streamsql.expr.aggregates import AggregateCall, is_aggregate, keeps_rows, keeps_values
from streamsql.expr.text import duration_text
from streamsql.plan.logical import (
    Aggregate,
    Cumulate,
    Field,
    Frame,
    Hop,
    OverAggregate,
    Plan,
    Rank,
    Scan,
    Session,
    TimeAttribute,
    Tumble,
    Window,
)
from streamsql.plan.lookup_join import LookupJoin
from streamsql.plan.lookup_options import lookup_options
from streamsql.plan.time_joins import IntervalJoin
from streamsql.plan.trait_values import UNBOUNDED, Traits
from streamsql.plan.tree import fields_by_id
from streamsql.time import Duration


def scan_state(plan: Scan) -> str | None:
    """What bounds what is known of a table's rows, where its changes are looked up or checked."""
    if plan.checked:
        return f"{UNBOUNDED} (rows of {plan.table.name}, to check what is taken back)"
    return f"number of keys ({', '.join(plan.table.primary_key)})" if plan.table.by_key else None


def window_state(window: Window, time: Field) -> str:
    """What bounds the panes or sessions of a window."""
    limit = "clock" if time.time is TimeAttribute.PROCESSING else "watermark"
    reach = _reach(window)
    return limit if reach is None else f"{limit} + {duration_text(reach)}"


def _reach(window: Window) -> Duration | None:
    match window:
        case Tumble(size=size) | Hop(size=size) | Cumulate(size=size):
            return size
        case Session(gap=gap):
            return gap
        case _:
            return None


def interval_state(plan: IntervalJoin) -> str:
    """What bounds the rows of an interval join."""
    reach = max(0, *plan.reaches)
    limit = "clock" if plan.by_clock else "watermark"
    return f"{limit} + {duration_text(reach)}" if reach else limit


def side_state(plan: Plan, side: Traits, left: Traits) -> str:
    """What a processing-time join keeps: the rows of its right side, and what left rows met that may be taken back."""
    keys = sorted(side.unique_keys, key=len)[:1]
    names = [each.name for key in keys for each in plan.fields if each.id in key]
    if not left.append_only:
        return f"{UNBOUNDED} (rows of the right input, left rows with what they met)"
    return f"number of keys ({', '.join(names)})" if names else f"{UNBOUNDED} (rows of the right input)"


def lookup_state(plan: LookupJoin, left: Traits) -> str | None:
    """What is kept of a table outside, and what left rows met that may be taken back."""
    options = lookup_options(plan.side.table)
    kept = None if options is None else options.state_bound
    if left.append_only:
        return kept
    return ", ".join((f"{UNBOUNDED} (left rows with what they met)", *(() if kept is None else (kept,))))


def group_state(plan: Aggregate, below: Traits) -> str:
    """Linear aggregates keep one entry a key; those over distinct values or retracted extremes one a key and value."""
    append_only = below.append_only
    growing = [call for call in plan.calls if keeps_rows(call, append_only=append_only)]
    if growing:
        return f"{UNBOUNDED} (values of {growing[0].function})"
    fields = fields_by_id(plan.input.fields)
    keys = [fields[each].name for each in plan.keys]
    valued = [call for call in plan.calls if keeps_values(call, append_only=append_only)]
    names = dict.fromkeys(fields[arg].name for call in valued for arg in call.args)
    columns = ", ".join([*keys, *names])
    return f"number of keys ({columns})" if columns else "one row"


def over_state(plan: OverAggregate) -> str:
    """What OVER keeps where it goes by time or arrival."""
    fields = fields_by_id(plan.input.fields)
    keys = f"number of keys ({', '.join(fields[each].name for each in plan.partition)})" if plan.partition else ""
    growing = [call for call in plan.calls if is_aggregate(call.function) and _kept_by(call, plan.frame)]
    if growing:
        return f"{UNBOUNDED} (values of {growing[0].function})"
    lags = [int(str(call.options[0])) for call in plan.calls if call.function == "LAG"]
    distance = -(plan.frame.start or 0)
    if distance and plan.frame.measured:
        return f"{keys} × rows of {duration_text(distance)}" if keys else f"rows of {duration_text(distance)}"
    rows = max([1, *lags, distance])
    return " × ".join(each for each in (keys, f"{rows} rows" if rows > 1 else "" if keys else "1 row") if each)


def _kept_by(call: AggregateCall, frame: Frame) -> bool:
    everything = keeps_rows(call, append_only=True) or keeps_values(call, append_only=True)
    return frame.start is None and everything


def rank_state(plan: Rank, below: Traits) -> str:
    """What a Top-N keeps."""
    fields = fields_by_id(plan.input.fields)
    names = ", ".join(fields[each].name for each in plan.partition)
    if not below.append_only:
        return f"{UNBOUNDED} (all rows)"
    rows = "1 row" if plan.last == 1 else f"{plan.last} rows"
    return f"number of keys ({names}) × {rows}" if names else rows
