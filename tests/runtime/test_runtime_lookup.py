"""What lookups keep, under a clock that is moved by hand: what is asked of the table, and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from streamsql import tables
from streamsql.batch import Batch
from streamsql.errors import DataError, UsageError
from streamsql.expr import types as t
from streamsql.plan.lookup_join import LookupJoin
from streamsql.plan.lookup_options import LookupOptions
from streamsql.plan.tree import walk_plan
from streamsql.ports import LookupRows, OptionInfo, Source, TableOptions
from streamsql.query import Query
from streamsql.runtime.lookup import AskedTable
from streamsql.runtime.lookup_cache import LastKeys, WholeTable
from streamsql.session import Session
from streamsql.time import SECOND, ManualClock

SCHEMA = t.schema(("k", t.INT), ("v", t.STRING))
ARROW = SCHEMA.to_arrow()


@dataclass
class Outside:
    """A table outside: the values of each key now, and the keys that were asked for, call by call."""

    rows: dict[int, list[str]]
    asked: list[list[int]] = field(default_factory=list)

    def find(self, keys: Sequence[pa.Array]) -> tuple[Any, pa.RecordBatch]:
        wanted = keys[0].to_pylist()
        self.asked.append(wanted)
        found = [(at, key, value) for at, key in enumerate(wanted) for value in self.rows.get(key, ())]
        columns = [
            pa.array([each[1] for each in found], pa.int32()),
            pa.array([each[2] for each in found], pa.string()),
        ]
        return np.array([each[0] for each in found], np.int64), pa.RecordBatch.from_arrays(columns, schema=ARROW)


def kept(outside: Outside, clock: ManualClock, **options: Any) -> LastKeys:
    return LastKeys(SCHEMA, [pa.int32()], outside, clock, LookupOptions("PARTIAL", **options))


def values(found: tuple[Any, pa.RecordBatch]) -> list[tuple[int, str]]:
    at, rows = found
    return list(zip(at.tolist(), rows.column(1).to_pylist(), strict=True))


def keys(*wanted: int) -> list[pa.Array]:
    return [pa.array(wanted, pa.int32())]


def test_keys_are_asked_for_once_those_that_are_not_there_too() -> None:
    outside = Outside({1: ["a", "b"], 2: ["c"]})
    cache = kept(outside, ManualClock())
    assert values(cache.find(keys(1, 9))) == [(0, "a"), (0, "b")]
    outside.rows = {}
    assert values(cache.find(keys(9, 1, 2))) == [(1, "a"), (1, "b")]
    assert outside.asked == [[1, 9], [2]]


def test_keys_that_are_not_there_are_asked_for_again_if_so_wanted() -> None:
    outside = Outside({1: ["a"]})
    cache = kept(outside, ManualClock(), missing_keys=False)
    cache.find(keys(1, 9))
    outside.rows[9] = ["z"]
    assert values(cache.find(keys(1, 9))) == [(0, "a"), (1, "z")]
    assert outside.asked == [[1, 9], [9]]
    assert cache.keys == 2


def test_a_key_expires_after_it_was_looked_up() -> None:
    outside, clock = Outside({1: ["old"]}), ManualClock()
    cache = kept(outside, clock, after_write=10 * SECOND)
    cache.find(keys(1))
    outside.rows[1] = ["new"]
    clock.advance_to(10 * SECOND - 1)
    assert values(cache.find(keys(1))) == [(0, "old")]
    clock.advance_to(10 * SECOND)
    assert values(cache.find(keys(1))) == [(0, "new")]
    assert outside.asked == [[1], [1]]


def test_a_key_expires_after_it_was_used_last() -> None:
    outside, clock = Outside({1: ["old"], 2: ["two"]}), ManualClock()
    cache = kept(outside, clock, after_access=10 * SECOND)
    cache.find(keys(1, 2))
    outside.rows[1] = ["new"]
    clock.advance_to(6 * SECOND)
    assert values(cache.find(keys(1))) == [(0, "old")]
    clock.advance_to(15 * SECOND)
    assert values(cache.find(keys(1))) == [(0, "old")]
    assert cache.keys == 1
    clock.advance_to(25 * SECOND)
    assert values(cache.find(keys(1))) == [(0, "new")]


def test_of_too_many_keys_those_used_last_stay() -> None:
    outside = Outside({each: [str(each)] for each in range(5)})
    cache = kept(outside, ManualClock(), max_rows=2)
    cache.find(keys(0, 1))
    cache.find(keys(1))
    cache.find(keys(2))
    cache.find(keys(1, 2))
    assert outside.asked == [[0, 1], [2]]
    assert values(cache.find(keys(0, 1, 2, 3))) == [(0, "0"), (1, "1"), (2, "2"), (3, "3")]
    assert cache.keys == 2


def test_a_whole_table_is_read_again_after_its_interval() -> None:
    clock, reads = ManualClock(), 0

    def read() -> Iterator[Batch]:
        nonlocal reads
        reads += 1
        columns = [pa.array([1, None, 1], pa.int32()), pa.array([f"a{reads}", "none", f"b{reads}"])]
        yield Batch(pa.RecordBatch.from_arrays(columns, schema=ARROW))

    table = WholeTable(SCHEMA, [0], read, clock, 60 * SECOND)
    assert values(table.find(keys(7, 1))) == [(1, "a1"), (1, "b1")]
    clock.advance_to(60 * SECOND - 1)
    assert values(table.find(keys(1))) == [(0, "a1"), (0, "b1")]
    clock.advance_to(60 * SECOND)
    assert values(table.find(keys(1))) == [(0, "a2"), (0, "b2")]


@dataclass
class Failing:
    """A connection that fails so many times."""

    failures: int
    opened: int = 0
    closed: int = 0

    def open(self, table: Any) -> Failing:
        self.opened += 1
        return self

    def lookup(self, keys: pa.RecordBatch, columns: tuple[str, ...]) -> Iterator[LookupRows]:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("no answer")
        rows = pa.record_batch({"v": pa.array(["late", "early"]), "k": keys.column(0).take(pa.array([1, 0]))})
        yield LookupRows(rows, np.array([1, 0]))

    def close(self) -> None:
        self.closed += 1


def asked(connection: Failing, max_retries: int) -> AskedTable:
    session = Session()
    session.sql("CREATE TABLE o (k INT)")
    session.sql("CREATE TABLE d (k INT, v STRING) WITH ('connector' = 'filesystem', 'path' = 'absent.csv')")
    query = session.sql("SELECT d.v FROM o JOIN d FOR SYSTEM_TIME AS OF PROCTIME() AS d ON o.k = d.k")
    assert isinstance(query, Query)
    engine = session.engine()
    plan = next(each for each in walk_plan(engine.optimized(query._plan)) if isinstance(each, LookupJoin))
    return AskedTable(plan, connection.open, engine.context, max_retries)


def test_a_lookup_that_fails_is_tried_again_over_a_new_connection() -> None:
    connection = Failing(2)
    table = asked(connection, 2)
    assert values(table.find(keys(5, 6))) == [(0, "early"), (1, "late")]
    table.close()
    assert (connection.opened, connection.closed) == (3, 3)


def test_after_its_retries_a_lookup_is_an_error() -> None:
    with pytest.raises(DataError, match=r"^a lookup in d failed 3 times: no answer"):
        asked(Failing(3), 2).find(keys(5))
    with pytest.raises(DataError, match=r"^a lookup in d failed once: no answer"):
        asked(Failing(1), 0).find(keys(5))


def test_no_keys_ask_nothing() -> None:
    connection = Failing(9)
    assert values(asked(connection, 0).find(keys())) == []
    assert connection.opened == 0


BAD = {
    "'lookup.cache' = 'SOME'": "option 'lookup.cache' = 'SOME': write one of NONE, PARTIAL, FULL",
    "'lookup.caches' = 'FULL'": "unknown option 'lookup.caches' of table d",
    "'lookup.partial-cache.max-rows' = '5'": "option 'lookup.partial-cache.max-rows' means nothing with "
    "'lookup.cache' = 'FULL'",
    "'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '0'": "option 'lookup.partial-cache.max-rows' = "
    "'0': write a whole number from 1 on",
    "'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '2²'": "option 'lookup.partial-cache.max-rows' = "
    "'2²': write a whole number from 1 on",
    "'lookup.cache' = 'PARTIAL', 'lookup.full-cache.periodic-reload.interval' = '1 h'": "option "
    "'lookup.full-cache.periodic-reload.interval' means nothing with 'lookup.cache' = 'PARTIAL'",
    "'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.expire-after-write' = 'soon'": "option "
    "'lookup.partial-cache.expire-after-write': 'soon' is no duration",
    "'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.cache-missing-key' = 'no'": "option "
    "'lookup.partial-cache.cache-missing-key' = 'no': write true or false",
    "'lookup.max-retries' = '-1'": "option 'lookup.max-retries' = '-1': write a whole number from 0 on",
    "'changelog' = 'op', 'lookup.cache' = 'FULL'": "option 'lookup.cache' of table d: connector filesystem is not "
    "looked up",
}


@pytest.mark.parametrize("options", BAD)
def test_options_that_are_wrong_are_refused_where_the_table_is_declared(options: str) -> None:
    with pytest.raises(UsageError) as caught:
        Session().sql(f"CREATE TABLE d (k INT) WITH ('connector' = 'filesystem', 'path' = 'd.csv', {options})")
    assert caught.value.message == BAD[options]


def test_what_is_kept_is_said() -> None:
    assert LookupOptions("NONE").state_bound is None
    assert LookupOptions("FULL").state_bound == "all rows of the table"
    assert LookupOptions("PARTIAL", max_rows=5).state_bound == "cache of 5 keys"
    assert LookupOptions("PARTIAL", after_access=5 * SECOND).state_bound == "cache of the keys of 5 s"
    assert LookupOptions("PARTIAL").state_bound == "UNBOUNDED (cache of all keys looked up)"


@dataclass
class OnlyLookups:
    """A connector of a store that can be asked, but not read."""

    asked: list[dict[str, list[object]]] = field(default_factory=list)
    closed: int = 0
    options: tuple[OptionInfo, ...] = ()
    lookup_cache = "NONE"

    def source(self, table: TableOptions) -> Source:
        raise UsageError(f"table {table.name} can only be looked up", hint="compare one of its columns with =")

    def lookup(self, table: TableOptions) -> OnlyLookups._Table:
        return OnlyLookups._Table(self)

    @dataclass
    class _Table:
        connector: OnlyLookups

        def lookup(self, keys: pa.RecordBatch, columns: tuple[str, ...]) -> Iterator[LookupRows]:
            self.connector.asked.append(keys.to_pydict())
            text = [f"{b}{a}" for b, a in zip(*keys.to_pydict().values(), strict=True)]
            rows = pa.record_batch({"v": pa.array(text), "b": keys.column("b"), "a": keys.column("a")})
            yield LookupRows(rows, np.arange(keys.num_rows))

        def close(self) -> None:
            self.connector.closed += 1


def test_a_connector_that_can_only_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    store = OnlyLookups()
    monkeypatch.setattr(tables, "load_connector", lambda name: store)
    session = Session()
    session.sql("CREATE TABLE o (id INT, a STRING, b INT)")
    session.sql("CREATE TABLE d (v STRING, a STRING, b INT, loud AS UPPER(v)) WITH ('connector' = 'store')")
    columns = {
        "id": pa.array([1, 2, 3, 4], pa.int32()),
        "a": ["x", "y", None, "x"],
        "b": pa.array([1, 1, 1, 1], pa.int32()),
    }
    session.tables.memory("o").append(pa.record_batch(columns))
    query = "SELECT o.id, d.loud FROM o JOIN d FOR SYSTEM_TIME AS OF PROCTIME() AS d ON "
    found = session.sql(f"{query} o.b = d.b AND o.a = d.a")
    assert isinstance(found, Query)
    assert [tuple(row.values()) for row in found.to_arrow().to_pylist()] == [(1, "1X"), (2, "1Y"), (4, "1X")]
    assert store.asked == [{"b": [1, 1], "a": ["x", "y"]}]
    assert store.closed == 1
    unkeyed = session.sql(f"{query} o.b < d.b")
    assert isinstance(unkeyed, Query)
    with pytest.raises(UsageError, match="table d can only be looked up"):
        unkeyed.to_arrow()
