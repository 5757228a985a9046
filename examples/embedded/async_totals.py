"""The same idea in an asyncio program: one task pushes orders, another follows the totals.

python examples/embedded/async_totals.py
"""

from __future__ import annotations

import asyncio

import streamsql

ORDERS = [("pen", 3), ("ink", 5), ("pen", 4), ("pad", 2), ("ink", 1)]


async def push_orders(orders: streamsql.LiveTable) -> None:
    """Each order as it comes in."""
    with orders:
        for item, price in ORDERS:
            await orders.push_async({"item": item, "price": price})


async def main() -> dict[str, int]:
    """The totals when all orders are in."""
    totals: dict[str, int] = {}
    with streamsql.connect() as session:
        session.execute("CREATE TABLE orders (item STRING, price INT)")
        orders = session.table("orders")
        query = session.sql("SELECT item, SUM(price) AS total FROM orders GROUP BY item")
        async with query.changes() as changes:
            task = asyncio.create_task(push_orders(orders))
            async for op, row in changes:
                if op in ("+I", "+U"):
                    totals[row.item] = row.total
                    print(f"{row.item}: {row.total}")
            await task
    return totals


if __name__ == "__main__":
    asyncio.run(main())
