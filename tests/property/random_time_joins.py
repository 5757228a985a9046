"""Random joins by time, in SQL, of two random tables t and u."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from streamsql.session import Session
from streamsql.sql.statements import CreateTable
from tests.property.random_tables import NEVER_LATE, VALUES, RandomTable, changing_tables, tables
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


@st.composite
def asof_joins(draw: st.DrawFn, delay: int | None = None) -> Script:
    """INNER and LEFT, by >= and >, with conditions over one side, alone or below a window."""
    found, second = draw(two_tables(delay))
    compared = draw(st.sampled_from(["l.ts >= r.ts", "l.ts > r.ts", "l.ts - INTERVAL '3' SECOND >= r.ts"]))
    rest = draw(st.sampled_from(["", "", "r.b > 2", "l.f", "l.i > 0"]))
    condition = " AND ".join(each for each in (draw(st.sampled_from((*KEYS, ""))), compared, rest) if each)
    joined = f"t AS l ASOF {draw(st.sampled_from(['JOIN', 'LEFT JOIN']))} {second} AS r ON {condition}"
    if draw(st.integers(0, 3)) == 0:
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


_FOLDER = tempfile.TemporaryDirectory()


@dataclass(frozen=True, repr=False)
class FileTable(RandomTable):
    """A random table in a file. `beside`: what its DDL says beside the columns; `options`: of the connector."""

    beside: str = ""
    options: str = ""

    @property
    def ddl(self) -> str:
        columns = ", ".join(f"{name} {type_}" for name, (type_, _) in VALUES.items())
        options = f"'connector' = 'filesystem', 'path' = '{self.path}', 'format' = 'parquet'{self.options}"
        return f"CREATE TABLE {self.name} ({columns}, ts {self.time_type}{self.beside}) WITH ({options});"

    @property
    def path(self) -> Path:
        return Path(_FOLDER.name) / f"{self.name}.parquet"

    def fill(self, session: Session) -> None:
        """Write the file."""
        (plain,) = session.statements(RandomTable(f"{self.name}_plain", self.time_type, 0, ()).ddl)
        assert isinstance(plain, CreateTable)
        schema = plain.table.physical().to_arrow()
        batches = [self.batch(self.rows, schema)] if self.rows else []
        pq.write_table(pa.Table.from_batches(batches, schema), self.path)


@dataclass(frozen=True, repr=False)
class KeyedTable(RandomTable):
    """A random table in memory with a primary key. What is taken back is deleted by its key."""

    key: str = ""

    @property
    def ddl(self) -> str:
        return f"{RandomTable.ddl.fget(self).removesuffix(');')}, PRIMARY KEY ({self.key}) NOT ENFORCED);"  # type: ignore[attr-defined]

    @property
    def updating(self) -> bool:
        return True

    def fill(self, session: Session) -> None:
        """Write each row by itself: what is written at once under one key is an update."""
        table = session.tables.memory(self.name)
        schema = table.schema.to_arrow()
        for row, weight in zip(self.rows, self.weights or [1] * len(self.rows), strict=True):
            table.append(self.batch((row,), schema), np.array([weight], np.int8))


def keyed_table(table: RandomTable, key: str) -> FileTable:
    """With a primary key in a file, its rows are versions: a table in memory would replace them."""
    marks = f", WATERMARK FOR ts AS ts - INTERVAL '{table.delay}' SECOND, PRIMARY KEY ({key}) NOT ENFORCED"
    return FileTable(table.name, table.time_type, table.delay, table.rows, beside=marks)


@st.composite
def temporal_joins(draw: st.DrawFn, delay: int | None = None) -> Script:
    """INNER and LEFT, of a versioned table or of a view that keeps the last row of each key."""
    found, second = draw(two_tables(delay))
    keys = draw(st.sampled_from((("i",), ("s",), ("i", "f"), ("d",))))
    by = ", ".join(keys)
    ranked = f"SELECT *, ROW_NUMBER() OVER (PARTITION BY {by} ORDER BY ts DESC) AS rn FROM {second}"
    view = f"CREATE VIEW v AS SELECT i, s, b, d, f, m, ts FROM ({ranked}) WHERE rn = 1;"
    versioned = draw(st.sampled_from(("", "file", "memory")))
    if versioned == "memory":
        changing = draw(changing_tables("u", found[0].time_type, delay, 30))
        kept = KeyedTable("u", changing.time_type, changing.delay, changing.rows, changing.weights, by)
        found, second = (found[0], kept), "u"
    condition = " AND ".join(f"l.{each} = r.{each}" for each in keys)
    rest = draw(st.sampled_from(("", "", *RESIDUALS)))
    where = draw(st.sampled_from(("", "", " WHERE l.i > 0", " WHERE r.b IS NULL", " WHERE r.b > 1")))
    kind = draw(st.sampled_from(("JOIN", "LEFT JOIN")))
    joined = f"t AS l {kind} v FOR SYSTEM_TIME AS OF l.ts AS r ON {' AND '.join(filter(None, (condition, rest)))}"
    query = f"SELECT {COLUMNS} FROM {joined}{where};"
    if versioned == "memory":
        return Script(found, query.replace(" v FOR", " u FOR"))
    if versioned:
        tables_ = tuple(keyed_table(each, by) if each.name == second else each for each in found)
        return Script(tables_, query.replace(" v FOR", f" {second} FOR"))
    return Script(found, f"{view}\n{query}")


@st.composite
def nested_interval_joins(draw: st.DrawFn) -> Script:
    """Three tables in which nothing is late; the second join goes by a time of the first one's result."""
    found = tuple(draw(tables(each, "TIMESTAMP(3)", NEVER_LATE, 25)) for each in ("t", "u", "w"))
    first, second = draw(st.sampled_from(("JOIN", "LEFT JOIN"))), draw(st.sampled_from(OUTER))
    return Script(
        found,
        f"SELECT t.i, u.b, w.b AS c, t.ts FROM t {first} u ON t.i = u.i AND u.ts BETWEEN t.ts - INTERVAL '4' SECOND "
        f"AND t.ts + INTERVAL '3' SECOND {second} w ON t.i = w.i AND w.ts BETWEEN t.ts AND t.ts + INTERVAL '6' SECOND;",
    )
