"""The eight tables of TPC-H in the distributions that its queries rely on, column at a time, for any scale factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.tpch import words

Numbers = np.ndarray
FIRST_DAY, LAST_DAY, TODAY = (
    int(np.datetime64(each).astype(int)) for each in ("1992-01-01", "1998-08-02", "1995-06-17")
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Rows of the tables that grow with the scale factor; an order has one to seven lines."""

    suppliers: int
    parts: int
    customers: int
    orders: int

    @classmethod
    def of(cls, scale: float) -> Sizes:
        return cls(*(max(1, round(each * scale)) for each in (10_000, 200_000, 150_000, 1_500_000)))


def tables(scale: float, seed: int = 1) -> dict[str, pa.Table]:
    """All tables by name; equal for equal arguments."""
    random, sizes = np.random.default_rng(seed), Sizes.of(scale)
    orders, lineitem = _orders_and_lines(random, sizes)
    return {
        "region": _region(random),
        "nation": _nation(random),
        "supplier": _supplier(random, sizes),
        "customer": _customer(random, sizes),
        "part": _part(random, sizes),
        "partsupp": _partsupp(random, sizes),
        "orders": orders,
        "lineitem": lineitem,
    }


def decimals(hundredths: Numbers) -> pa.Array:
    """DECIMAL(15, 2) of whole hundredths."""
    low = hundredths.astype(np.int64)
    words_of_128_bits = np.column_stack((low, low >> 63)).astype("<i8")
    return pa.Array.from_buffers(pa.decimal128(15, 2), len(low), [None, pa.py_buffer(words_of_128_bits.tobytes())])


def dates(days: Numbers) -> pa.Array:
    return pa.array(days.astype(np.int32)).cast(pa.date32())


def _chosen(choices: Sequence[str], picks: Numbers) -> pa.Array:
    return pc.take(pa.array(choices), pa.array(picks))


def _pick(random: np.random.Generator, choices: Sequence[str], count: int) -> pa.Array:
    return _chosen(choices, random.integers(0, len(choices), count))


def _phrase(random: np.random.Generator, count: int, length: int, choices: Sequence[str] = words.COMMENTS) -> pa.Array:
    picked = [_pick(random, choices, count) for _ in range(length)]
    return pc.binary_join_element_wise(*picked, " ")


def _numbered(prefix: str, keys: Numbers) -> pa.Array:
    return pc.binary_join_element_wise(prefix, _padded(keys, 9), "#")


def _padded(numbers: Numbers, width: int) -> pa.Array:
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")


def _phone(random: np.random.Generator, nations: Numbers) -> pa.Array:
    """The first two digits name the nation."""
    parts = [_padded(random.integers(low, high, len(nations)), len(str(low))) for low, high in _PHONE_PARTS]
    return pc.binary_join_element_wise(pa.array(nations + 10).cast(pa.string()), *parts, "-")


_PHONE_PARTS = ((100, 1000), (100, 1000), (1000, 10_000))


def _region(random: np.random.Generator) -> pa.Table:
    count = len(words.REGIONS)
    keys = pa.array(np.arange(count, dtype=np.int32))
    return pa.table({"r_regionkey": keys, "r_name": list(words.REGIONS), "r_comment": _phrase(random, count, 5)})


def _nation(random: np.random.Generator) -> pa.Table:
    count = len(words.NATIONS)
    return pa.table({
        "n_nationkey": pa.array(np.arange(count, dtype=np.int32)),
        "n_name": [name for name, _ in words.NATIONS],
        "n_regionkey": pa.array([region for _, region in words.NATIONS], pa.int32()),
        "n_comment": _phrase(random, count, 5),
    })  # fmt: skip


def _supplier(random: np.random.Generator, sizes: Sizes) -> pa.Table:
    count = sizes.suppliers
    keys, nations = np.arange(1, count + 1), random.integers(0, 25, count)
    complains = pa.array(random.random(count) < max(0.0005, 1 / count))
    comment = _phrase(random, count, 6)
    complaint = pc.binary_join_element_wise("Customer", comment, "Complaints", " ")
    return pa.table({
        "s_suppkey": keys,
        "s_name": _numbered("Supplier", keys),
        "s_address": _phrase(random, count, 2),
        "s_nationkey": nations.astype(np.int32),
        "s_phone": _phone(random, nations),
        "s_acctbal": decimals(random.integers(-99_999, 1_000_000, count)),
        "s_comment": pc.if_else(complains, complaint, comment),
    })  # fmt: skip


def _customer(random: np.random.Generator, sizes: Sizes) -> pa.Table:
    count = sizes.customers
    keys, nations = np.arange(1, count + 1), random.integers(0, 25, count)
    return pa.table({
        "c_custkey": keys,
        "c_name": _numbered("Customer", keys),
        "c_address": _phrase(random, count, 2),
        "c_nationkey": nations.astype(np.int32),
        "c_phone": _phone(random, nations),
        "c_acctbal": decimals(random.integers(-99_999, 1_000_000, count)),
        "c_mktsegment": _pick(random, words.SEGMENTS, count),
        "c_comment": _phrase(random, count, 8),
    })  # fmt: skip


def _price(parts: Numbers) -> Numbers:
    """The retail price of parts, in hundredths."""
    return 90_000 + (parts // 10) % 20_001 + 100 * (parts % 1000)


def _part(random: np.random.Generator, sizes: Sizes) -> pa.Table:
    count = sizes.parts
    keys, maker = np.arange(1, count + 1), random.integers(1, 6, count)
    types = [_pick(random, each, count) for each in words.TYPES]
    containers = [_pick(random, each, count) for each in words.CONTAINERS]
    brand = pa.array(maker * 10 + random.integers(1, 6, count)).cast(pa.string())
    return pa.table({
        "p_partkey": keys,
        "p_name": _phrase(random, count, 5, words.COLORS),
        "p_mfgr": pc.binary_join_element_wise("Manufacturer", pa.array(maker).cast(pa.string()), "#"),
        "p_brand": pc.binary_join_element_wise("Brand", brand, "#"),
        "p_type": pc.binary_join_element_wise(*types, " "),
        "p_size": random.integers(1, 51, count).astype(np.int32),
        "p_container": pc.binary_join_element_wise(*containers, " "),
        "p_retailprice": decimals(_price(keys)),
        "p_comment": _phrase(random, count, 2),
    })  # fmt: skip


def _supplier_of(parts: Numbers, which: Numbers, suppliers: int) -> Numbers:
    """The first to fourth supplier of parts; four different ones if there are."""
    return (parts + which * (suppliers // 4) + (parts - 1) // suppliers) % suppliers + 1


def _partsupp(random: np.random.Generator, sizes: Sizes) -> pa.Table:
    parts = np.repeat(np.arange(1, sizes.parts + 1), 4)
    count = len(parts)
    return pa.table({
        "ps_partkey": parts,
        "ps_suppkey": _supplier_of(parts, np.tile(np.arange(4), sizes.parts), sizes.suppliers),
        "ps_availqty": random.integers(1, 10_000, count).astype(np.int32),
        "ps_supplycost": decimals(random.integers(100, 100_001, count)),
        "ps_comment": _phrase(random, count, 10),
    })  # fmt: skip


def _orders_and_lines(random: np.random.Generator, sizes: Sizes) -> tuple[pa.Table, pa.Table]:
    count = sizes.orders
    number = np.arange(count)
    keys = number // 8 * 32 + number % 8 + 1
    days = random.integers(FIRST_DAY, LAST_DAY + 1, count)
    owner = np.repeat(number, random.integers(1, 8, count))
    lines, amounts, is_open = _lines(random, sizes, keys[owner], days[owner], owner)
    open_lines, all_lines = np.bincount(owner, is_open, count), np.bincount(owner, minlength=count)
    status = np.where(open_lines == 0, 0, np.where(open_lines == all_lines, 1, 2))
    # Every third customer never orders.
    customers = random.integers(0, max(1, sizes.customers * 2 // 3), count)
    orders = pa.table({
        "o_orderkey": keys,
        "o_custkey": customers // 2 * 3 + customers % 2 + 1,
        "o_orderstatus": _chosen(("F", "O", "P"), status),
        "o_totalprice": decimals(np.bincount(owner, amounts, count).round()),
        "o_orderdate": dates(days),
        "o_orderpriority": _pick(random, words.PRIORITIES, count),
        "o_clerk": _numbered("Clerk", random.integers(1, max(2, count // 1500), count)),
        "o_shippriority": np.zeros(count, np.int32),
        "o_comment": _phrase(random, count, 6),
    })  # fmt: skip
    return orders, lines


def _lines(
    random: np.random.Generator, sizes: Sizes, order: Numbers, ordered: Numbers, owner: Numbers
) -> tuple[pa.Table, Numbers, Numbers]:
    """The lines, what each costs in hundredths, and which are not shipped yet."""
    count = len(order)
    first = np.searchsorted(owner, owner)
    parts = random.integers(1, sizes.parts + 1, count)
    quantity, discount, tax = (random.integers(*each, count) for each in ((1, 51), (0, 11), (0, 9)))
    price = quantity * _price(parts)
    shipped = ordered + random.integers(1, 122, count)
    received = shipped + random.integers(1, 31, count)
    is_open = shipped > TODAY
    flags = np.where(received <= TODAY, random.integers(0, 2, count), 2)
    lines = pa.table({
        "l_orderkey": order,
        "l_partkey": parts,
        "l_suppkey": _supplier_of(parts, random.integers(0, 4, count), sizes.suppliers),
        "l_linenumber": (np.arange(count) - first + 1).astype(np.int32),
        "l_quantity": decimals(quantity * 100),
        "l_extendedprice": decimals(price),
        "l_discount": decimals(discount),
        "l_tax": decimals(tax),
        "l_returnflag": _chosen(("R", "A", "N"), flags),
        "l_linestatus": _chosen(("F", "O"), is_open.astype(int)),
        "l_shipdate": dates(shipped),
        "l_commitdate": dates(ordered + random.integers(30, 91, count)),
        "l_receiptdate": dates(received),
        "l_shipinstruct": _pick(random, words.INSTRUCTIONS, count),
        "l_shipmode": _pick(random, words.MODES, count),
        "l_comment": _phrase(random, count, 4),
    })  # fmt: skip
    return lines, price * (100 - discount) * (100 + tax) / 10_000, is_open
