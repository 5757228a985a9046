"""Objects of the program in FROM: by the name of a variable and registered; parameters."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pandas
import polars
import pyarrow as pa
import pyarrow.dataset
import pytest

import streamsql

ROWS = [{"k": "a", "v": 1}, {"k": "b", "v": None}]
TABLE = pa.table({"k": ["a", "b"], "v": pa.array([1, None], pa.int64())})
OBJECTS: dict[str, Any] = {
    "table": TABLE,
    "batch": TABLE.to_batches()[0],
    "dataset": pyarrow.dataset.dataset(TABLE),
    "pandas": pandas.DataFrame({"k": pandas.Categorical(["a", "b"]), "v": pandas.array([1, None], "Int64")}),
    "polars": polars.from_arrow(TABLE),
    "lazy": polars.from_arrow(TABLE).lazy(),  # type: ignore[union-attr]
    "duckdb": duckdb.sql("SELECT * FROM (VALUES ('a', 1::BIGINT), ('b', NULL)) AS t(k, v)"),
    "dicts": ROWS,
    "uneven dicts": [{"k": "a", "v": 1}, {"k": "b"}],
}
module_data = TABLE


@pytest.fixture
def session() -> streamsql.Session:
    return streamsql.connect()


@pytest.mark.parametrize("kind", OBJECTS)
def test_a_variable_is_a_table(session: streamsql.Session, kind: str) -> None:
    data = OBJECTS[kind]
    assert data is not None
    query = session.sql("SELECT v, k FROM data")
    assert query.to_arrow().to_pylist() == [{"v": 1, "k": "a"}, {"v": None, "k": "b"}]
    assert query.compare().exit_code == 0


def test_a_reader_is_read_once(session: streamsql.Session) -> None:
    reader = TABLE.to_reader()
    query = session.sql("SELECT COUNT(*) AS n FROM reader")
    assert reader is not None
    assert query.to_arrow().to_pylist() == [{"n": 2}]
    with pytest.raises(streamsql.UsageError, match=r"whose rows have been read\nhint: keep its rows: reader = reader"):
        query.to_arrow()


def test_where_names_are_looked_up(session: streamsql.Session) -> None:
    assert session.sql("SELECT COUNT(*) AS n FROM module_data").to_arrow().to_pylist() == [{"n": 2}]
    data = ROWS[:1]
    assert len(data) == 1
    assert session.sql("SELECT COUNT(*) AS n FROM data").to_arrow().to_pylist() == [{"n": 1}]
    given = session.sql("SELECT COUNT(*) AS n FROM data", variables={"data": ROWS})
    assert given.to_arrow().to_pylist() == [{"n": 2}]
    with pytest.raises(streamsql.SqlError, match="unknown table data"):
        session.sql("SELECT * FROM data", variables=False)
    session.execute("CREATE TABLE data (x INT)")
    assert session.sql("SELECT * FROM data").columns == ("x",)


def test_a_query_keeps_the_object_it_was_made_with(session: streamsql.Session) -> None:
    data = ROWS
    query = session.sql("SELECT COUNT(*) AS n FROM data")
    data = []
    assert data == []
    assert query.to_arrow().to_pylist() == [{"n": 2}]


def test_a_query_can_be_read(session: streamsql.Session) -> None:
    large = session.sql("SELECT v FROM (VALUES (1), (2), (3)) AS t(v) WHERE v > 1")
    assert large.columns == ("v",)
    assert session.sql("SELECT SUM(v) AS s FROM large").to_arrow().to_pylist() == [{"s": 5}]


@pytest.mark.parametrize("data", [5, "text", [], [1, 2], {"a": [1]}, pandas.Series([1])])
def test_a_variable_that_is_no_table(session: streamsql.Session, data: object) -> None:
    with pytest.raises(streamsql.SqlError) as raised:
        session.sql("SELECT * FROM data")
    lines = str(raised.value).splitlines()
    assert lines[0] == f"data is no table, and the Python variable data is a {type(data).__name__}"
    assert lines[1] == "  at SQL:1:15"
    assert lines[-1].startswith("hint: a variable can be read that is an Arrow table")


def test_columns_without_a_type(session: streamsql.Session) -> None:
    data = [{"a": 1}, {"a": "x"}]
    with pytest.raises(streamsql.UsageError, match=r"data.a has values that no one type holds"):
        session.sql("SELECT * FROM data")
    frame = pandas.DataFrame({"a": [1, "x"]})
    assert len(data) == len(frame)
    with pytest.raises(streamsql.UsageError, match=r"the DataFrame cannot be read: .*column a"):
        session.sql("SELECT * FROM frame")


def test_types_of_a_dataframe(session: streamsql.Session) -> None:
    frame = pandas.DataFrame(
        {
            "ns": pandas.to_datetime(["2025-01-01 00:00:00.123456789", None]).astype("datetime64[ns]"),
            "z": pandas.to_datetime(["2025-01-01 01:00+01:00", None]),
            "f": [1.5, float("nan")],
            "b": pandas.array([True, None], "boolean"),
            "s": pandas.array(["x", None], "string"),
            "d": pandas.to_timedelta([1, None], "s"),
            "l": [[1, 2], None],
            "u": np.array([1, 2], "uint64"),
        },
        index=[5, 6],
    )
    query = session.sql("SELECT * FROM frame")
    assert [str(each) for each in query.schema.types] == [
        "TIMESTAMP(6)",
        "TIMESTAMP_LTZ(6)",
        "DOUBLE",
        "BOOLEAN",
        "STRING",
        "INTERVAL DAY TO SECOND",
        "ARRAY<BIGINT>",
        "DECIMAL(20, 0)",
    ]
    first, second = query
    assert first == (
        datetime(2025, 1, 1, 0, 0, 0, 123_456),
        datetime(2025, 1, 1, tzinfo=UTC),
        1.5,
        True,
        "x",
        timedelta(seconds=1),
        [1, 2],
        Decimal(1),
    )
    assert second == (None, None, None, None, None, None, None, Decimal(2))
    assert frame.shape == (2, 8)


EVENTS = [
    {"ts": datetime(2025, 1, 1, 0, 0, 1), "k": "a"},
    {"ts": datetime(2025, 1, 1, 0, 0, 12), "k": "b"},
    {"ts": datetime(2025, 1, 1, 0, 0, 8), "k": "c"},
    {"ts": datetime(2025, 1, 1, 0, 0, 31), "k": "d"},
]
WINDOWS = """SELECT COUNT(*) AS n FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '10' SECOND))
             GROUP BY window_start, window_end"""


@pytest.mark.parametrize(
    ("watermark", "counts"),
    [("ts", [1, 1, 1]), ("ts - INTERVAL '5' SECOND", [2, 1, 1]), (("ts", timedelta(seconds=1.5)), [1, 1, 1])],
)
def test_registered_with_a_watermark(
    session: streamsql.Session, watermark: str | tuple[str, timedelta], counts: list[int]
) -> None:
    session.register("events", EVENTS, watermark=watermark, primary_key=["k"])
    assert [row.n for row in session.sql(WINDOWS)] == counts


def test_registering_again_replaces(session: streamsql.Session) -> None:
    session.register("data", ROWS)
    session.register("data", EVENTS)
    assert session.sql("SELECT k FROM data").to_arrow().num_rows == 4
    session.execute("DROP TABLE data; CREATE TABLE data (a INT)")
    with pytest.raises(streamsql.SqlError, match="data exists already"):
        session.register("data", ROWS)


def test_registering_what_does_not_fit(session: streamsql.Session) -> None:
    with pytest.raises(streamsql.UsageError, match=r"^int cannot be read as a table"):
        session.register("data", 5)
    with pytest.raises(streamsql.UsageError, match="an empty list has no columns: it cannot be read as a table"):
        session.register("data", [])
    with pytest.raises(streamsql.UsageError, match=r"primary_key: data has no column q\nhint: columns: k, v"):
        session.register("data", ROWS, primary_key=["q"])
    with pytest.raises(streamsql.SqlError, match="a WATERMARK needs a TIMESTAMP"):
        session.register("data", ROWS, watermark="k")
    session.register("data", ROWS)
    with pytest.raises(streamsql.UsageError, match="data is an object of the Python program"):
        session.execute("INSERT INTO data VALUES ('x', 1)")
    with pytest.raises(streamsql.UsageError, match="rows cannot be pushed to data: it is a registered object"):
        session.table("data")


VALUES = [
    (1, "INT NOT NULL"),
    (1 << 40, "BIGINT NOT NULL"),
    (-5, "INT NOT NULL"),
    (1.5, "DOUBLE NOT NULL"),
    (True, "BOOLEAN NOT NULL"),
    ("it's; DROP", "STRING NOT NULL"),
    (b"x", "BYTES NOT NULL"),
    (Decimal("1.50"), "DECIMAL(3, 2) NOT NULL"),
    (date(2025, 1, 1), "DATE NOT NULL"),
    (datetime(2025, 1, 1, 1), "TIMESTAMP(6) NOT NULL"),
    (datetime(2025, 1, 1, tzinfo=UTC), "TIMESTAMP_LTZ(6) NOT NULL"),
    (timedelta(seconds=1), "INTERVAL DAY TO SECOND NOT NULL"),
    ([1, 2], "ARRAY<BIGINT> NOT NULL"),
]


@pytest.mark.parametrize(("value", "type_"), VALUES)
def test_parameters(session: streamsql.Session, value: object, type_: str) -> None:
    query = session.sql("SELECT ? AS x", params=[value])
    assert [str(each) for each in query.schema.types] == [type_]
    assert list(query) == [(value,)]
    assert list(session.sql("SELECT :x AS a, :x AS b", params={"x": value})) == [(value, value)]


def test_parameters_stand_where_values_stand(session: streamsql.Session) -> None:
    data = [{"v": each} for each in range(10)]
    assert len(data) == 10
    query = session.sql("SELECT v * :f AS v FROM data WHERE v IN (:a, 2)", {"f": 2.0, "a": 7})
    assert list(query) == [(4.0,), (14.0,)]
    assert list(session.sql("SELECT v FROM data WHERE v > ? LIMIT ?", [3, 2])) == [(4,), (5,)]
    assert list(session.sql("SELECT v FROM data WHERE v = ?", [None])) == []
    session.execute("CREATE TABLE t (v INT); INSERT INTO t VALUES (?), (?)", [1, -2])
    assert list(session.sql("SELECT v FROM t")) == [(1,), (-2,)]


@pytest.mark.parametrize(
    ("text", "params", "message"),
    [
        ("SELECT ?", None, r"the parameter \? has no value"),
        ("SELECT ?, ?", [1], r"the SQL has 2 parameters \(\?\), and 1 values are given"),
        ("SELECT :a", {"b": 1}, ":a has no value"),
        ("SELECT :a", {"a": 1, "b": 1}, "the SQL has no parameter :b"),
        ("SELECT :a", [1], ":a has no value"),
        ("SELECT ?", {"a": 1}, r"\? has no value: params is a dict"),
        ("SELECT ?", "x", "params is a list of values"),
        ("SELECT ?", [object()], r"the parameter \? is a object"),
        ("SELECT v FROM ?", ["t"], "syntax error"),
    ],
)
def test_wrong_parameters(session: streamsql.Session, text: str, params: Any, message: str) -> None:
    with pytest.raises(streamsql.StreamSqlError, match=message):
        session.sql(text, params)
