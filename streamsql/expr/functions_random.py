"""RAND, RAND_INTEGER, UUID: a value of its own for each row. With a seed as argument, the numbers that Java gives."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from streamsql.expr import types as t
from streamsql.expr.context import EvalContext
from streamsql.expr.function import ArrowFunction, Build, Datum, Function, Render, literal
from streamsql.expr.java_random import JavaRandom
from streamsql.expr.nodes import Call, Literal
from streamsql.expr.signatures import Args, Bound, Mismatch, Rule, one_of, takes
from streamsql.expr.vectors import broadcast, nulls, numbers

_HYPHENS = (8, 4, 4, 4, 12)


def _generator(call: Call, seed: int) -> np.random.Generator:
    """Calls at different places of a script draw different numbers."""
    place = call.span.start if call.span else 0
    return np.random.default_rng([abs(seed), place])


def _seeded(call: Call) -> JavaRandom | None:
    seed = literal(call, 0)
    return JavaRandom(int(str(seed))) if call.args and seed is not None else None


def _rand(call: Call, context: EvalContext) -> ArrowFunction:
    draw: Callable[[int], Any]
    java = _seeded(call)
    draw = _generator(call, context.seed).random if java is None else java.doubles
    return lambda rows, *args: pa.array(draw(rows))


def _seed_rule(args: Args) -> Bound:
    bound = takes("int?", t.DOUBLE, nulls=False)(args)
    return Bound(_with_constant_seed(bound.args), bound.type)


def _with_constant_seed(args: Args) -> Args:
    if args and (not isinstance(args[0], Literal) or args[0].value is None):
        raise Mismatch("the seed must be a constant", span=args[0].span)
    return args


def _integer_rule(args: Args) -> Bound:
    bound = one_of(takes("int", t.INT), takes("int, int", t.INT))(args)
    limit = bound.args[-1]
    if len(args) == 2:
        _with_constant_seed(bound.args)
        if not isinstance(limit, Literal):
            raise Mismatch("with a seed, the bound must be a constant", span=limit.span)
    if isinstance(limit, Literal) and isinstance(limit.value, int) and limit.value <= 0:
        raise Mismatch("the bound must be positive", span=limit.span)
    return bound


def _rand_integer(call: Call, context: EvalContext) -> ArrowFunction:
    bound = literal(call, len(call.args) - 1)
    if len(call.args) == 2 and isinstance(bound, int) and (java := _seeded(call)) is not None:
        return lambda rows, *args: pa.array(java.integers(rows, bound))
    generator = _generator(call, context.seed)

    def draw(rows: int, limit: Datum) -> pa.Array:
        limits = broadcast(limit, rows)
        bounds = np.where(np.zeros(rows, np.bool_) if (gone := nulls(limits)) is None else gone, 1, numbers(limits))
        if rows and bounds.min() <= 0:
            raise pa.ArrowInvalid("the bound must be positive")
        return pa.array(generator.integers(0, bounds, dtype=np.int32), mask=gone)

    return draw


def _uuid(call: Call, context: EvalContext) -> ArrowFunction:
    """RFC 4122, version 4; without a seed of the session from the machine's own randomness."""
    generator = _generator(call, context.seed) if context.seed else None

    def draw(rows: int) -> pa.Array:
        data = generator.bytes(16 * rows) if generator else os.urandom(16 * rows)
        octets = np.frombuffer(data, np.uint8).reshape(rows, 16).copy()
        octets[:, 6] = octets[:, 6] & 0x0F | 0x40
        octets[:, 8] = octets[:, 8] & 0x3F | 0x80
        return _hyphenated(octets)

    return draw


def _hyphenated(octets: np.ndarray[Any, Any]) -> pa.Array:
    """Sixteen bytes a row as 36 characters."""
    digits = np.frombuffer(octets.tobytes().hex().encode(), np.uint8).reshape(len(octets), 32)
    text, start, place = np.full((len(octets), 36), ord("-"), np.uint8), 0, 0
    for width in _HYPHENS:
        text[:, place : place + width] = digits[:, start : start + width]
        start, place = start + width, place + width + 1
    offsets = pa.array(np.arange(len(octets) + 1, dtype=np.int32) * 36)
    return pa.StringArray.from_buffers(len(octets), offsets.buffers()[1], pa.py_buffer(text.tobytes()))


def _entry(name: str, usage: str, rule: Rule, arrow: Build, sql: str | Render) -> Function:
    return Function(name, usage, rule, arrow, sql, name, volatile=True, per_row=True, can_fail=name == "RAND_INTEGER")


ENTRIES: tuple[Function, ...] = (
    _entry("RAND", "RAND([seed])", _seed_rule, _rand, "random()"),
    _entry(
        "RAND_INTEGER",
        "RAND_INTEGER([seed,] bound)",
        _integer_rule,
        _rand_integer,
        lambda call, args, context: f"CAST(floor(random() * {args[-1]}) AS INTEGER)",
    ),
    _entry("UUID", "UUID()", takes("", t.STRING, nulls=False), _uuid, "CAST(uuid() AS VARCHAR)"),
)
