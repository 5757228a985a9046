"""What a run leaves to read: late rows, rejects, and the spool that keeps them in bounded memory."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from streamsql.expr.types import BIGINT
from streamsql.operators.base import LateRows
from streamsql.plan.logical import Aggregate, Field
from streamsql.plan.physical import PhysicalNode
from streamsql.runtime.graph import emits_net_changes
from streamsql.runtime.late import LateLog
from streamsql.runtime.output import CollectOutput
from streamsql.runtime.publisher import Publisher
from streamsql.runtime.rejects import RejectLog
from streamsql.runtime.spool import Spool

SCHEMA = pa.schema([("n", pa.int64())])


def numbers(*values: int) -> pa.RecordBatch:
    return pa.record_batch([pa.array(values, pa.int64())], schema=SCHEMA)


def test_a_spool_gives_back_what_went_to_disk_and_what_did_not_also_while_it_grows() -> None:
    spool = Spool(SCHEMA, memory_bytes=20)
    for value in range(5):
        spool.append(numbers(value))
    assert spool.to_table().column(0).to_pylist() == [0, 1, 2, 3, 4]
    spool.append(numbers())
    spool.append(numbers(5, 6, 7))
    spool.append(numbers(8))
    assert [each.num_rows for each in spool] == [1, 1, 1, 1, 1, 3, 1]
    assert spool.rows == 9


def late(rows: pa.RecordBatch, weights: list[int] | None = None) -> LateRows:
    count = rows.num_rows
    marks = np.full(count, 60), np.full(count, 10), np.full(count, 2, np.int32)
    return LateRows(rows, None if weights is None else np.array(weights, np.int8), *marks, np.zeros((0, 3), np.int64))


def test_hidden_columns_are_left_out_and_repeated_names_told_apart(parts: SimpleNamespace) -> None:
    scan = parts.scan_node("bids")
    fields = tuple(Field(id_, name, BIGINT) for id_, name in enumerate(("a", "$x", "a")))
    plan = Aggregate(fields=fields, input=scan.plan, keys=(), calls=())
    below = PhysicalNode("below", plan, (scan,), parts.Echo(), False)
    log = LateLog()
    listen = log.listener(parts.over("Top", parts.Echo(), below))
    listen(late(pa.record_batch([pa.array([1, 2])] * 3, names=["a", "$x", "a"]), [1, -1]))
    table = log.to_table("Top")
    assert table.column_names[:2] == ["a", "a_2"]
    assert table.column("_op").to_pylist() == ["+I", "-D"]
    assert table.column("_windows_missed").to_pylist() == [2, 2]
    assert log.tables() == ("Top",)


def test_operators_over_one_table_share_its_late_rows(parts: SimpleNamespace) -> None:
    scan, log = parts.scan_node("bids"), LateLog()
    for name in ("WindowAggregate", "WindowAggregate[2]"):
        log.listener(parts.over(name, parts.Echo(), scan))(late(parts.events([5], [1])))
    assert log.to_table("bids").column("_operator").to_pylist() == ["WindowAggregate", "WindowAggregate[2]"]
    assert log.to_table("asks").num_rows == 0 and log.total == 2


def test_rejected_rows_of_any_type_become_text() -> None:
    rows = pa.record_batch(
        [pa.array([[1, None]]), pa.array([b"\xff"]), pa.array([1.5]), pa.array([None], pa.string())],
        names=["list", "bytes", "x", "s"],
    )
    log = RejectLog()
    log.add_rows("t", "event time ts is NULL", rows, np.array([41]))
    (reject,) = log.to_table("t").to_pylist()
    assert reject["where"] == "row 41"
    assert reject["text"] == "list=[1, None], bytes=b'\\xff', x=1.5, s=NULL"
    again = RejectLog()
    again.load(log.save())
    assert again.counts() == {"t": 1}


def test_an_updating_result_has_row_kinds_from_its_first_row_on(parts: SimpleNamespace) -> None:
    scan = parts.scan_node("t", delay=None)
    id_ = scan.plan.fields[1]
    plan = Aggregate(fields=(scan.plan.fields[0], id_), input=scan.plan, keys=(id_.id,), calls=())
    node = PhysicalNode("Aggregate", plan, (scan,), parts.Echo(), False)
    output = CollectOutput()
    root = SimpleNamespace(output=[parts.Batch(parts.events([9, 8], [2, 1]))], watermark=0, idle=False)
    publisher = Publisher(output, node, root)
    publisher.open(bounded=True)
    publisher.publish()
    assert output.key == (1,)
    ((_, kinds),) = output.steps
    assert kinds is not None and kinds.tolist() == [0, 0]
    assert output.to_table().column(1).to_pylist() == [1, 2]


def test_net_output_survives_filters(parts: SimpleNamespace) -> None:
    echo = parts.Echo()
    node = parts.over("echo", echo, parts.scan_node("t"))
    above = parts.over("filter", parts.Echo(), node)
    assert not emits_net_changes(above)
    echo.net_output = True
    assert emits_net_changes(node) and emits_net_changes(above)
