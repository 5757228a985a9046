"""Random changes of the tables of TPC-H: a part of the rows at a time, and updates and deletions between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Added:
    """Rows for a table."""

    table: str
    rows: pa.Table


@dataclass(frozen=True, slots=True)
class Written:
    """An UPDATE or DELETE, whose text both engines take."""

    sql: str


Change = Added | Written

_CHANGES = (
    "UPDATE lineitem SET l_quantity = l_quantity + 3, l_discount = 0.06 WHERE (l_orderkey + l_linenumber) % 17 = {}",
    "UPDATE lineitem SET l_shipdate = l_commitdate, l_returnflag = 'R' WHERE (l_orderkey + l_linenumber) % 23 = {}",
    "UPDATE lineitem SET l_suppkey = l_suppkey % 7 + 1 WHERE (l_partkey + l_linenumber) % 29 = {}",
    "DELETE FROM lineitem WHERE (l_orderkey + l_linenumber) % 31 = {}",
    "UPDATE orders SET o_orderdate = o_orderdate + INTERVAL '3' MONTH, o_orderstatus = 'F' WHERE o_orderkey % 19 = {}",
    "UPDATE orders SET o_custkey = o_custkey + 1, o_comment = 'special requests' WHERE o_orderkey % 23 = {}",
    "UPDATE orders SET o_totalprice = o_totalprice * 2, o_orderpriority = '1-URGENT' WHERE o_orderkey % 29 = {}",
    "DELETE FROM orders WHERE o_orderkey % 31 = {}",
    "UPDATE customer SET c_nationkey = (c_nationkey + 1) % 25, c_mktsegment = 'BUILDING' WHERE c_custkey % 13 = {}",
    "UPDATE customer SET c_acctbal = 0 - c_acctbal WHERE c_custkey % 17 = {}",
    "DELETE FROM customer WHERE c_custkey % 29 = {}",
    "UPDATE part SET p_type = 'PROMO BRUSHED STEEL', p_size = p_size % 50 + 1 WHERE p_partkey % 11 = {}",
    "UPDATE part SET p_brand = 'Brand#23', p_name = 'forest green' WHERE p_partkey % 17 = {}",
    "DELETE FROM part WHERE p_partkey % 23 = {}",
    "UPDATE supplier SET s_nationkey = (s_nationkey + 1) % 25 WHERE s_suppkey % 5 = {}",
    "UPDATE supplier SET s_comment = 'Customer and Complaints' WHERE s_suppkey % 11 = {}",
    "DELETE FROM supplier WHERE s_suppkey % 13 = {}",
    "UPDATE partsupp SET ps_supplycost = ps_supplycost + 0.01 * ps_availqty WHERE ps_partkey % 17 = {}",
    "UPDATE partsupp SET ps_availqty = ps_availqty % 100 WHERE (ps_partkey + ps_suppkey) % 13 = {}",
    "DELETE FROM partsupp WHERE (ps_partkey + ps_suppkey) % 19 = {}",
    "UPDATE nation SET n_regionkey = (n_regionkey + 1) % 5 WHERE n_nationkey % 7 = {}",
    "DELETE FROM nation WHERE n_nationkey % 19 = {}",
    "UPDATE region SET r_name = 'EUROPE' WHERE r_regionkey % 7 = {}",
)


def changes(
    tables: Mapping[str, pa.Table], parts: int, written: int, random: np.random.Generator
) -> Iterator[tuple[Change, ...]]:
    """Steps that bring each table in random parts, in random order, with so many other changes between a step's."""
    shuffled = {name: rows.take(random.permutation(rows.num_rows)) for name, rows in tables.items()}
    cuts = {
        name: np.sort(np.append(random.integers(0, rows.num_rows + 1, parts - 1), (0, rows.num_rows)))
        for name, rows in tables.items()
    }
    for part in range(parts):
        step: list[Change] = []
        for name, rows in shuffled.items():
            begin, end = cuts[name][part : part + 2]
            step.append(Added(name, rows.slice(begin, end - begin)))
        for _ in range(written):
            text = _CHANGES[random.integers(len(_CHANGES))]
            modulus = int(text.split("% ")[-1].split(" ")[0])
            step.append(Written(text.format(random.integers(modulus))))
        yield tuple(step[each] for each in random.permutation(len(step)))
