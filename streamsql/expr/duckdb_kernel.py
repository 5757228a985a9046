"""Functions that Arrow lacks: DuckDB evaluates them, a batch at a time (about a millisecond a call)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from streamsql.expr.context import EvalContext
from streamsql.expr.nodes import Expr

Evaluate = Callable[[pa.RecordBatch], Any]


def duckdb_kernel(expr: Expr, compile_: Callable[[Expr], Evaluate], context: EvalContext) -> Evaluate:
    raise NotImplementedError
