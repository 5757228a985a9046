"""Random joins by time, in SQL, of two random tables t and u."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.property.random_tables import RandomTable, tables
from tests.property.test_sql_windows import Script

KEYS = ("l.i = r.i", "l.s = r.s", "l.i = r.i AND l.f = r.f", "l.m IS NOT DISTINCT FROM r.m")
RESIDUALS = ("l.b < r.b", "l.d <> r.d", "(l.f OR r.f)", "CASE WHEN r.i <> 0 THEN l.i / r.i > 0 ELSE l.f END")
BOUNDS = (
    "r.ts BETWEEN l.ts - INTERVAL '{a}' SECOND AND l.ts + INTERVAL '{b}' SECOND",
    "l.ts >= r.ts - INTERVAL '{a}' SECOND AND l.ts < r.ts + INTERVAL '{b}' SECOND",
    "r.ts > l.ts + INTERVAL '{a}' SECOND AND r.ts <= l.ts + INTERVAL '{b}' SECOND + INTERVAL '{a}' SECOND",
    "l.ts = r.ts",
)
OUTER = ("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
COLUMNS = "l.i AS li, l.s AS ls, l.ts AS lts, r.i AS ri, r.b AS rb, r.ts AS rts"


@st.composite
def conditions(draw: st.DrawFn, always: str) -> str:
    """A condition with a key or without, and with a residual or without."""
    key = draw(st.sampled_from((*KEYS, "")))
    rest = draw(st.sampled_from(("", "", *RESIDUALS)))
    return " AND ".join(each for each in (key, always, rest) if each)


@st.composite
def two_tables(draw: st.DrawFn, delay: int | None = None) -> tuple[tuple[RandomTable, RandomTable], str]:
    """Tables t and u of one time type; the second FROM item, which may be t again."""
    time_type = draw(st.sampled_from(["TIMESTAMP(3)", "TIMESTAMP(3)", "TIMESTAMP(6)", "TIMESTAMP_LTZ(3)"]))
    found = (draw(tables("t", time_type, delay, 30)), draw(tables("u", time_type, delay, 30)))
    return found, draw(st.sampled_from(["u", "u", "u", "t"]))


@st.composite
def interval_joins(draw: st.DrawFn, delay: int | None = None) -> Script:
    """All kinds, in ON or WHERE, alone or below a window."""
    found, second = draw(two_tables(delay))
    a, b = draw(st.integers(0, 9)), draw(st.integers(0, 9))
    condition = draw(conditions(draw(st.sampled_from(BOUNDS)).format(a=a, b=b)))
    kind = draw(st.sampled_from(OUTER))
    shape = draw(st.sampled_from(["ON", "ON", "WHERE", "WINDOW"]))
    if shape == "WHERE":
        return Script(found, f"SELECT {COLUMNS} FROM t AS l, {second} AS r WHERE {condition};")
    joined = f"t AS l {kind} {second} AS r ON {condition}"
    if shape == "WINDOW" and kind in ("JOIN", "LEFT JOIN"):
        inner = f"(SELECT l.ts, l.s, r.b FROM {joined})"
        query = (
            f"SELECT window_start, s, COUNT(*), COUNT(b) FROM TABLE(TUMBLE({inner}, DESCRIPTOR(ts), "
            "INTERVAL '5' SECOND)) GROUP BY window_start, window_end, s;"
        )
        return Script(found, query)
    return Script(found, f"SELECT {COLUMNS} FROM {joined};")


WINDOWED = (
    "TUMBLE(TABLE {0}, DESCRIPTOR(ts), INTERVAL '5' SECOND)",
    "HOP(TABLE {0}, DESCRIPTOR(ts), INTERVAL '3' SECOND, INTERVAL '6' SECOND)",
    "CUMULATE(TABLE {0}, DESCRIPTOR(ts), INTERVAL '2' SECOND, INTERVAL '6' SECOND)",
    "SESSION(TABLE {0} PARTITION BY i, DESCRIPTOR(ts), INTERVAL '4' SECOND)",
)
SAME_WINDOW = "l.window_start = r.window_start AND l.window_end = r.window_end"
TOTALS = (
    "(SELECT window_start, window_end, MAX(ts) AS ts, i, MAX(s) AS s, MIN(b) AS b, MAX(m) AS m, MAX(d) AS d, "
    "BOOL_AND(f) AS f FROM {0} GROUP BY window_start, window_end, i)"
)


@st.composite
def window_joins(draw: st.DrawFn, delay: int | None = None) -> Script:
    """All kinds, of windows and of window aggregates, alone, below a window aggregate, or as EXISTS."""
    found, second = draw(two_tables(delay))
    windowed = draw(st.sampled_from(WINDOWED))
    sides = [f"TABLE({windowed.format(each)})" for each in ("t", second)]
    sides = [TOTALS.format(each) if draw(st.integers(0, 3)) == 0 else each for each in sides]
    condition = draw(conditions(SAME_WINDOW))
    kind = draw(st.sampled_from((*OUTER, "EXISTS", "NOT EXISTS")))
    if kind.endswith("EXISTS"):
        condition = condition.replace("CASE WHEN r.i <> 0 THEN l.i / r.i > 0 ELSE l.f END", "l.b < r.b")
        return Script(
            found,
            f"SELECT window_end, i, b, ts FROM {sides[0]} AS l WHERE {kind} (SELECT 1 FROM {sides[1]} AS r "
            f"WHERE {condition});",
        )
    joined = f"{sides[0]} AS l {kind} {sides[1]} AS r ON {condition}"
    if kind == "LEFT JOIN" and draw(st.booleans()):
        query = f"SELECT l.window_start, l.window_end, COUNT(*), COUNT(r.b), SUM(l.i) FROM {joined}"
        return Script(found, f"{query} GROUP BY l.window_start, l.window_end;")
    return Script(found, f"SELECT {COLUMNS}, l.window_end AS le, r.window_end AS re FROM {joined};")
