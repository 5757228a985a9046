"""What approximate aggregates count in place of values: codes that are few, however many values there are.

Both engines compute them in DuckDB, so that both count the same.
"""

from __future__ import annotations

from streamsql.expr import types as t
from streamsql.expr.function import Function
from streamsql.expr.signatures import Args, Bound, Mismatch, any_nullable, takes

BUCKET_BITS = 12
"""HyperLogLog has so many bits for the bucket: a standard error of 1.04 / sqrt(4096), 1.6 %."""
BUCKETS = 1 << BUCKET_BITS
BIAS = 0.7213 / (1 + 1.079 / BUCKETS)
"""What the harmonic mean is corrected by."""
RANKS = 64
"""A code is bucket * RANKS + rank."""
_REST = 64 - BUCKET_BITS
_FRACTION_BITS = 7


def _code_rule(args: Args) -> Bound:
    if len(args) != 1 or args[0].type.kind is t.Kind.NULL:
        raise Mismatch
    return Bound(args, t.INT.with_nullable(any_nullable(args)))


# The rank is the number of zero bits before the first one among the bits that do not choose the bucket, plus one.
_RANK = f"{_REST + 1} - ceil(log2((hash({{0}}) & {(1 << _REST) - 1}::UBIGINT) + 1))"
_CODE = f"(hash({{0}}) >> {_REST})::INTEGER * {RANKS} + ({_RANK})::INTEGER"
_STEP = f"pow(2.0, floor(log2(abs({{0}}))) - {_FRACTION_BITS})"
_PLAIN = f"{{0}} = 0 OR NOT isfinite({{0}}) OR {_STEP} = 0"

ENTRIES: tuple[Function, ...] = (
    Function("HLL_CODE", "HLL_CODE(value)", _code_rule, None, f"CASE WHEN {{0}} IS NOT NULL THEN {_CODE} END"),
    Function(
        "SIGNIFICANT",
        "SIGNIFICANT(number)",
        takes("double", t.DOUBLE),
        None,
        f"CASE WHEN {_PLAIN} THEN {{0}} ELSE round({{0}} / {_STEP}) * {_STEP} END",
    ),
)
