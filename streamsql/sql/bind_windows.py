"""Windows in SQL: table functions and group windows to window descriptions, with their checks."""

from __future__ import annotations

from typing import Any

from streamsql.errors import SqlError
from streamsql.expr.nodes import ColumnRef
from streamsql.expr.types import MAX_TIME_PRECISION, TIMESTAMPS, Kind, SqlType
from streamsql.plan.logical import (
    Cumulate,
    Field,
    Hop,
    Plan,
    Session,
    TimeAttribute,
    Tumble,
    Window,
    WindowAssign,
)
from streamsql.sql import dialect as d
from streamsql.sql.bind_expressions import ExpressionBinder, interval_literal
from streamsql.sql.context import Context
from streamsql.sql.parse import span_of
from streamsql.sql.scope import Scope
from streamsql.time import Duration

Tree = Any


def bind_window_table(tree: Tree, plan: Plan, scope: Scope, context: Context) -> WindowAssign:
    """TUMBLE, HOP, CUMULATE or SESSION as a table function over `plan`."""
    time = time_field(tree.args["time_column"], scope, plan)
    window = _table_window(tree)
    partition = tuple(_partition_column(each, scope) for each in tree.args.get("partition_by") or ())
    if partition and not isinstance(window, Session):
        raise SqlError("PARTITION BY in a window function is for SESSION only", span=span_of(tree))
    bounds = window_bounds(time, context)
    fields = plan.fields
    if isinstance(window, Session):
        # A session is known only when it closes: by then its rows lie behind the watermark.
        fields = tuple(Field(f.id, f.name, f.type, None) for f in fields)
    return WindowAssign(
        input=plan,
        window=window,
        time=time,
        bounds=bounds,
        partition=partition,
        fields=(*fields, *bounds),
        span=span_of(tree),
    )


def _partition_column(tree: Tree, scope: Scope) -> int:
    expr = ExpressionBinder(scope, "PARTITION BY").bind(tree)
    if not isinstance(expr, ColumnRef):
        hint = "compute it in a view or in a query in parentheses: SESSION((SELECT *, … AS k FROM t) PARTITION BY k, …)"
        raise SqlError("PARTITION BY in a window function takes columns", span=span_of(tree), hint=hint)
    return expr.id


def _table_window(tree: Tree) -> Window:
    args, function = tree.args, tree.args["function"]
    needed = {"TUMBLE": ("size",), "HOP": ("slide", "size"), "CUMULATE": ("step", "size"), "SESSION": ("gap",)}
    for name in needed[function]:
        if args.get(name) is None:
            raise SqlError(f"{function} needs {name.upper()}", span=span_of(tree))
    sizes = {name: duration(args[name]) for name in needed[function]}
    offset = duration(args["offset"], positive=False) if args.get("offset") is not None else 0
    return _window(function, sizes, offset, tree)


def _window(function: str, sizes: dict[str, Duration], offset: Duration, tree: Tree) -> Window:
    match function:
        case "TUMBLE":
            return Tumble(sizes["size"], offset)
        case "HOP":
            return Hop(sizes["slide"], sizes["size"], offset)
        case "SESSION":
            return Session(sizes["gap"])
    if sizes["step"] > sizes["size"]:
        raise SqlError(
            "CUMULATE: the step is larger than the size",
            span=span_of(tree),
            hint="the step comes first: CUMULATE(TABLE t, DESCRIPTOR(ts), step, size)",
        )
    return Cumulate(sizes["step"], sizes["size"], offset)


def group_window(tree: Tree, scope: Scope, plan: Plan) -> tuple[Window, Field]:
    """TUMBLE(ts, size), HOP(ts, slide, size) or SESSION(ts, gap) in GROUP BY: the window and its time column."""
    name, args = tree.this, tree.expressions
    names = {"TUMBLE": ("size",), "HOP": ("slide", "size"), "SESSION": ("gap",)}[name]
    offsets = len(args) - 1 - len(names)
    if offsets not in ((0,) if name == "SESSION" else (0, 1)):
        usage = f"{name}(time, {', '.join(names)})"
        raise SqlError(f"{name} as a group window takes {usage}", span=span_of(tree))
    sizes = {each: duration(arg) for each, arg in zip(names, args[1:], strict=False)}
    offset = duration(args[-1], positive=False) if offsets else 0
    return _window(name, sizes, offset, tree), time_field(args[0], scope, plan)


def duration(tree: Tree, *, positive: bool = True) -> Duration:
    """A constant day-time interval in µs."""
    literal = interval_literal(tree) if isinstance(tree, d.IntervalLiteral) else None
    if literal is None or literal.type.kind is not Kind.INTERVAL_DAY:
        hint = "write for instance INTERVAL '10' MINUTE"
        what = "months have no fixed length" if literal is not None else "a constant interval is needed"
        raise SqlError(f"a window's size: {what}", span=span_of(tree), hint=hint)
    value = int(literal.value)  # type: ignore[arg-type]
    if positive and value <= 0:
        raise SqlError("a window's size must be positive", span=span_of(tree))
    return value


def time_field(tree: Tree, scope: Scope, plan: Plan) -> Field:
    """The time attribute that a window goes by, or SqlError saying how to make the column one."""
    expr = ExpressionBinder(scope, "a window's time").bind(tree)
    found = [field for field in plan.fields if field.id == getattr(expr, "id", None)]
    if found and found[0].time is not None:
        return found[0]
    if expr.type.kind not in TIMESTAMPS:
        hint = "windows go by a TIMESTAMP or TIMESTAMP_LTZ column"
        raise SqlError(f"a window needs a time column, this is {expr.type}", span=span_of(tree), hint=hint)
    name = found[0].name if found else "ts"
    raise SqlError(
        "a window needs a time attribute, this column is a plain time",
        span=span_of(tree),
        hint=f"declare WATERMARK FOR {name} AS {name} - INTERVAL '5' SECOND in its table (window_time of an inner "
        "window is one too; an updating query has none)",
    )


def window_bounds(time: Field, context: Context) -> tuple[Field, Field, Field]:
    """New columns window_start, window_end and window_time for windows over `time`."""
    precision = min(max(3, time.type.precision or 0), MAX_TIME_PRECISION)
    type_ = SqlType(time.type.kind, precision, nullable=False)
    attribute = time.time or TimeAttribute.EVENT
    return (
        context.field("window_start", type_),
        context.field("window_end", type_),
        context.field("window_time", type_, attribute),
    )
