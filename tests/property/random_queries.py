"""Random window queries in SQL: every kind of window in both spellings, alone, on top of another, ranked, unioned."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.property.random_tables import VALUES

KEYS = ("i", "s", "d", "m", "f", "y")
CONDITIONS = (
    "i > 1",
    "s <> 'a'",
    "f",
    "NOT f",
    "d IS NULL",
    "i IS NOT NULL",
    "y > DATE '2000-01-01'",
    "m < 1.5",
    "CASE WHEN i <> 0 THEN 6 / i > 2 ELSE f END",
)
WINDOW_CONDITIONS = (
    "window_start >= TIMESTAMP '2025-06-02 10:00:01'",
    "window_end < TIMESTAMP '1970-01-01 00:00:08'",
    "window_end BETWEEN TIMESTAMP '1969-12-31 23:59:55' AND TIMESTAMP '2025-06-02 10:00:10'",
    "ts < window_end - INTERVAL '1' SECOND",
)
HAVING = ("COUNT(*) > 1", "SUM(i) IS NOT NULL", "MAX(b) > 2", "COUNT(DISTINCT s) = 1")
AGGREGATES = (
    "COUNT(*)",
    "COUNT(i)",
    "COUNT(DISTINCT s)",
    "COUNT(DISTINCT d)",
    "COUNT(DISTINCT i, f)",
    "SUM(i)",
    "SUM(b)",
    "SUM(d)",
    "SUM(m)",
    "SUM(DISTINCT i)",
    "AVG(i)",
    "AVG(d)",
    "AVG(m)",
    "AVG(DISTINCT m)",
    *(f"{each}({column})" for each in ("MIN", "MAX") for column in VALUES),
    "LISTAGG(s)",
    "LISTAGG(DISTINCT s, '; ')",
    "LISTAGG(s) WITHIN GROUP (ORDER BY i DESC)",
    "FIRST_VALUE(i)",
    "LAST_VALUE(s)",
    "ARRAY_AGG(d)",
    "COLLECT(s)",
    "ARG_MAX(i, ts)",
    "MODE(y)",
    "MEDIAN(b)",
    "QUANTILE_DISC(s, 0.5)",
    "STDDEV_POP(d)",
    "VAR_SAMP(m)",
    "BOOL_AND(f)",
    "APPROX_COUNT_DISTINCT(i)",
    "APPROX_QUANTILE(m, 0.5)",
    "MIN(ts)",
    "MAX(window_end)",
    "COUNT(DISTINCT window_start)",
)


@dataclass(frozen=True)
class Window:
    """A window in both spellings: arguments after the time column, by the table function and by GROUP BY (or None)."""

    function: str
    arguments: str
    group: str | None
    partition: tuple[str, ...] = ()

    def table(self, source: str, time: str = "ts") -> str:
        """TABLE(HOP(TABLE source, …))."""
        by = f" PARTITION BY {', '.join(self.partition)}" if self.partition else ""
        return f"TABLE({self.function}({source}{by}, DESCRIPTOR({time}), {self.arguments}))"


def seconds(number: float) -> str:
    return f"INTERVAL '{number:g}' SECOND"


@st.composite
def windows(draw: st.DrawFn, keys: tuple[str, ...] = ()) -> Window:
    """Sizes that divide and that do not, offsets of either sign; sessions are partitioned by the keys, seldom not."""
    function = draw(st.sampled_from(["TUMBLE", "HOP", "CUMULATE", "SESSION"]))
    size = draw(st.sampled_from([1, 2, 5, 7, 10, 0.5, 30]))
    if function == "SESSION":
        partition = keys if draw(st.integers(0, 9)) else ()
        return Window(function, seconds(size), seconds(size), partition)
    offset = draw(st.sampled_from([None, None, 3, -4, 1.5, 100]))
    after = "" if offset is None else f", {seconds(offset)}"
    if function == "TUMBLE":
        arguments = f"{seconds(size)}{after}"
        return Window(function, arguments, arguments)
    step = draw(st.sampled_from([1, 2, 3, 5, 0.7]))
    if function == "CUMULATE":
        return Window(function, f"{seconds(min(step, size))}, {seconds(size)}{after}", None)
    arguments = f"{seconds(step)}, {seconds(size)}{after}"
    return Window(function, arguments, arguments)


@st.composite
def aggregates(draw: st.DrawFn, most: int = 3) -> list[str]:
    """Aggregate calls, some with FILTER."""
    calls = draw(st.lists(st.sampled_from(AGGREGATES), min_size=1, max_size=most))
    return [f"{each} FILTER (WHERE {draw(st.sampled_from(CONDITIONS))})" if _seldom(draw) else each for each in calls]


def _seldom(draw: st.DrawFn) -> bool:
    return draw(st.integers(0, 3)) == 0


@st.composite
def key_columns(draw: st.DrawFn) -> tuple[str, ...]:
    return tuple(draw(st.lists(st.sampled_from(KEYS), max_size=2, unique=True)))


@st.composite
def sources(draw: st.DrawFn, two: bool) -> tuple[str, str]:
    """Views to declare first, and what a window reads: a table, a filter of it, a subquery, the union of both."""
    columns = ", ".join((*VALUES, "ts"))
    condition = draw(st.sampled_from(CONDITIONS))
    if two:
        branches = [f"SELECT {columns} FROM t", f"SELECT {columns} FROM u"]
        if _seldom(draw):
            branches.append(f"SELECT {columns} FROM t WHERE {condition}")
        return f"CREATE VIEW both AS {' UNION ALL '.join(branches)};\n", "TABLE both"
    match draw(st.integers(0, 4)):
        case 0:
            return f"CREATE VIEW chosen AS SELECT * FROM t WHERE {condition};\n", "TABLE chosen"
        case 1:
            return "", f"(SELECT {columns} FROM t WHERE {condition})"
        case 2:
            renamed = columns.replace("i, b", "i + 0 AS i, b")
            return f"CREATE VIEW shown AS SELECT {renamed} FROM t;\n", "TABLE shown"
        case _:
            return "", "TABLE t"


@st.composite
def aggregate_query(draw: st.DrawFn, source: str) -> str:
    """A window aggregate."""
    keys = draw(key_columns())
    window = draw(windows(keys))
    calls = ", ".join(f"{each} AS a{index}" for index, each in enumerate(draw(aggregates())))
    where = f" WHERE {draw(st.sampled_from(CONDITIONS))}" if _seldom(draw) else ""
    having = f" HAVING {draw(st.sampled_from(HAVING))}" if _seldom(draw) else ""
    by_group = window.group is not None and source.startswith("TABLE ") and draw(st.booleans())
    if by_group and "window_" not in calls and (not window.partition or window.partition == keys):
        group = f"{window.function}(ts, {window.group})"
        start, end, rowtime = (f"{window.function}_{part}(ts, {window.group})" for part in ("START", "END", "ROWTIME"))
        shown = ", ".join([*keys, f"{start} AS ws", f"{end} AS we", f"{rowtime} AS rt", calls])
        table = source.removeprefix("TABLE ")
        return f"SELECT {shown} FROM {table}{where} GROUP BY {', '.join([group, *keys])}{having}"
    if not where and _seldom(draw):
        where = f" WHERE {draw(st.sampled_from(WINDOW_CONDITIONS))}"
    bounds = ["window_start", "window_end", *(["window_time"] if draw(st.booleans()) else [])]
    shown = ", ".join([*keys, *bounds, calls])
    group = ", ".join([*keys, *bounds])
    if keys and not window.partition and _seldom(draw):
        group = f"{draw(st.sampled_from(['ROLLUP', 'CUBE']))} ({', '.join(keys)}), {', '.join(bounds)}"
    return f"SELECT {shown} FROM {window.table(source)}{where} GROUP BY {group}{having}"


@st.composite
def two_level_query(draw: st.DrawFn, source: str) -> str:
    """A window by the window_time of another, or an aggregate by the same window columns."""
    inner_keys = draw(key_columns())
    inner = draw(
        windows(inner_keys).filter(lambda each: not inner_keys or each.partition or each.function != "SESSION")
    )
    columns = ", ".join([*inner_keys, "window_start", "window_end", "window_time"])
    view = (
        f"SELECT {columns}, COUNT(*) AS n, SUM(i) AS total, MAX(s) AS top FROM {inner.table(source)} GROUP BY {columns}"
    )
    keys = tuple(each for each in inner_keys if draw(st.booleans()))
    calls = (
        "COUNT(*) AS parts, SUM(n) AS n, SUM(total) AS total, MIN(top) AS low, COUNT(DISTINCT total) AS kinds, "
        "LISTAGG(top) AS tops"
    )
    if draw(st.booleans()):
        outer_columns = ", ".join([*keys, "window_start", "window_end"])
        return f"SELECT {outer_columns}, {calls} FROM ({view}) GROUP BY {outer_columns}"
    outer = draw(windows(keys))
    exposed = ", ".join([*inner_keys, "window_time AS rt, n, total, top"])
    table = outer.table(f"(SELECT {exposed} FROM ({view}))", "rt")
    outer_columns = ", ".join([*keys, "window_start", "window_end"])
    return f"SELECT {outer_columns}, {calls} FROM {table} GROUP BY {outer_columns}"


@st.composite
def ranked_query(draw: st.DrawFn, source: str) -> str:
    """The first rows of each window, of the input or of an aggregate."""
    keys = draw(key_columns())
    order = draw(st.sampled_from(["i", "s DESC", "ts", "ts DESC", "d, i DESC", "m NULLS LAST", "f DESC NULLS FIRST"]))
    least = draw(st.integers(1, 2))
    most = draw(st.integers(least, 3))
    bound = f"rn = {least}" if least == most else f"rn BETWEEN {least} AND {most}" if least > 1 else f"rn <= {most}"
    rank = draw(st.sampled_from([", rn", ""]))
    if draw(st.booleans()):
        window = draw(windows(keys).filter(lambda each: each.function != "SESSION" or each.partition == keys))
        partition = ", ".join(["window_start", "window_end", *keys])
        return (
            f"SELECT i, s, d, ts, window_start, window_end{rank} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY "
            f"{partition} ORDER BY {order}) AS rn FROM {window.table(source)}) WHERE {bound}"
        )
    window = draw(windows(keys).filter(lambda each: not keys or each.partition or each.function != "SESSION"))
    columns = ", ".join([*keys, "window_start", "window_end"])
    inner = f"SELECT {columns}, COUNT(*) AS n, SUM(i) AS total FROM {window.table(source)} GROUP BY {columns}"
    shown = ", ".join([*keys, "window_start", "window_end", "n", "total"])
    return (
        f"SELECT {shown}{rank} FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end "
        f"ORDER BY n DESC, total) AS rn FROM ({inner})) WHERE {bound}"
    )


@st.composite
def plain_query(draw: st.DrawFn, source: str) -> str:
    """A window table function without an aggregate, or under an ordinary GROUP BY of one of its columns."""
    keys = draw(key_columns())
    window = draw(windows(keys))
    if window.function != "SESSION" and draw(st.booleans()):
        return f"SELECT window_end, COUNT(*) AS n, SUM(i) AS s FROM {window.table(source)} GROUP BY window_end"
    return f"SELECT i, s, ts, window_start, window_end, window_time FROM {window.table(source)}"


@st.composite
def layered_query(draw: st.DrawFn, source: str) -> str:
    """An ordinary GROUP BY, DISTINCT, ORDER BY or UNION ALL on top of windows; elements of arrays in windows."""
    key = draw(st.sampled_from(KEYS))
    first, second = (
        f"SELECT {key} AS k, COUNT(*) AS n, SUM(i) AS total FROM {draw(windows((key,))).table(source)} "
        f"GROUP BY {key}, window_start, window_end"
        for _ in range(2)
    )
    match draw(st.integers(0, 5)):
        case 0:
            return f"SELECT k, COUNT(*) AS c, SUM(n) AS n, MIN(total) AS low, MAX(n) AS m FROM ({first}) GROUP BY k"
        case 1:
            return f"SELECT DISTINCT k, n FROM ({first})"
        case 2:
            return f"SELECT k, n, total FROM ({first}) ORDER BY n DESC, total, k LIMIT 5 OFFSET 1"
        case 3:
            return f"{first} UNION ALL {second}"
        case 4:
            return f"SELECT n, COUNT(*) AS c, COUNT(DISTINCT k) AS ks FROM ({first} UNION ALL {second}) GROUP BY n"
        case _:
            elements = (
                f"(SELECT ts, e FROM {source.removeprefix('TABLE ')} CROSS JOIN UNNEST(ARRAY[i, i + 1]) AS x (e))"
            )
            window = draw(windows())
            return (
                f"SELECT window_start, window_end, COUNT(e) AS n, SUM(e) AS s, COUNT(DISTINCT e) AS d "
                f"FROM {window.table(elements)} GROUP BY window_start, window_end"
            )


@st.composite
def queries(draw: st.DrawFn, two: bool) -> str:
    """A script: views, then the query."""
    views, source = draw(sources(two))
    shape = draw(
        st.sampled_from([*3 * [aggregate_query], *2 * [two_level_query], ranked_query, layered_query, plain_query])
    )
    return f"{views}{draw(shape(source))};"
