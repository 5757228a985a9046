"""Several threads call the methods of one session at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

import streamsql

THREADS = 8
WAIT = 60


def at_once(work: Callable[[int], object]) -> list[object]:
    """What each of the threads gets; they begin together."""
    barrier = Barrier(THREADS)

    def begin(number: int) -> object:
        barrier.wait(WAIT)
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS), timeout=WAIT))


def test_each_thread_with_tables_parameters_and_variables_of_its_own() -> None:
    session = streamsql.connect()

    def work(number: int) -> list[tuple[object, ...]]:
        found: list[tuple[object, ...]] = []
        for turn in range(5):
            mine = [{"n": number, "turn": turn}]  # read in FROM below: never another thread's
            session.execute(f"CREATE TABLE t{number}_{turn} (a INT)")
            session.execute(f"INSERT INTO t{number}_{turn} VALUES (?)", [number * 100 + turn])
            (row,) = session.sql(f"SELECT a, n, turn, :mark AS m FROM t{number}_{turn}, mine", {"mark": number})
            found.append(tuple(row))
            assert mine
        return found

    expected = [[(n * 100 + turn, n, turn, n) for turn in range(5)] for n in range(THREADS)]
    assert at_once(work) == expected


def test_one_query_asked_by_all() -> None:
    session = streamsql.connect()
    session.execute("CREATE TABLE t (k INT, v INT)")
    session.execute(f"INSERT INTO t VALUES {', '.join(f'({each % 3}, {each})' for each in range(30))}")
    query = session.sql("SELECT k, SUM(v) AS total FROM t GROUP BY k")
    expected = [(0, 135), (1, 145), (2, 155)]
    assert at_once(lambda number: list(query) if number % 2 else sorted(query.to_arrow().to_pylist()[0].values())) == [
        expected if number % 2 else [0, 135] for number in range(THREADS)
    ]


def test_inserts_of_all_arrive_in_one_table() -> None:
    session = streamsql.connect()
    session.execute("CREATE TABLE t (a INT)")

    def work(number: int) -> None:
        for turn in range(10):
            session.execute("INSERT INTO t VALUES (?)", [number * 10 + turn])

    at_once(work)
    assert sorted(row.a for row in session.sql("SELECT a FROM t")) == list(range(THREADS * 10))


def test_one_name_is_made_once() -> None:
    session = streamsql.connect()

    def work(number: int) -> bool:
        try:
            session.execute("CREATE TABLE t (a INT)")
        except streamsql.SqlError:
            return False
        return True

    assert sorted(map(bool, at_once(work))) == [False] * (THREADS - 1) + [True]


def test_pushes_queries_and_functions_while_one_follows() -> None:
    session = streamsql.connect()
    session.execute("CREATE TABLE t (a INT)")
    table = session.table("t")
    with session.sql("SELECT COUNT(*) AS n, SUM(a) AS total FROM t").changes() as changes:

        def work(number: int) -> object:
            @streamsql.udf(name=f"plus_{number}")
            def plus(value: int) -> int:
                return value + number

            session.create_function(plus)
            session.register(f"r{number}", [{"b": number}])
            for _ in range(20):
                table.push((1,))
            return [tuple(each) for each in session.sql(f"SELECT plus_{number}(b) AS c FROM r{number}")]

        assert at_once(work) == [[(2 * number,)] for number in range(THREADS)]
        assert changes.drain()[-1] == ("+U", (THREADS * 20, THREADS * 20))


def test_closed_by_one_thread_while_others_use_it() -> None:
    session = streamsql.connect()
    session.execute("CREATE TABLE t (a INT)")

    def work(number: int) -> str:
        if number == 0:
            session.close()
            return "closed"
        try:
            while True:
                list(session.sql("SELECT COUNT(*) AS n FROM t"))
        except streamsql.UsageError as error:
            return error.message

    results = at_once(work)
    assert results[0] == "closed"
    with pytest.raises(streamsql.UsageError) as refused:
        session.sql("SELECT 1")
    assert set(results[1:]) == {refused.value.message}
