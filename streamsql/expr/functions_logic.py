"""Comparison, three-valued logic, NULL tests, IN, COALESCE, GREATEST and LEAST."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from streamsql.expr import types as t
from streamsql.expr.casting import NESTED
from streamsql.expr.coercion import TIMES, coerce, is_text
from streamsql.expr.context import EvalContext
from streamsql.expr.function import ArrowFunction, Datum, Function, always
from streamsql.expr.literals import to_array
from streamsql.expr.nodes import Call, Literal
from streamsql.expr.signatures import Args, Bound, Mismatch, any_nullable, same_type, takes
from streamsql.expr.types import FLOATS


def comparable(args: Args, what: str = "cannot compare") -> Args:
    """Arguments of one type; text beside a date or time is read as one."""
    moments = [each.type for each in args if each.type.kind in TIMES]
    if moments and any(is_text(each.type) for each in args):
        args = tuple(coerce(each, moments[0]) if is_text(each.type) else each for each in args)
    return same_type(args, what)


def _comparison(args: Args) -> Bound:
    if len(args) != 2:
        raise Mismatch
    pair = comparable(args)
    return Bound(pair, t.BOOLEAN.with_nullable(any_nullable(pair)))


def _distinct(args: Args) -> Bound:
    bound = _comparison(args)
    return Bound(bound.args, t.BOOLEAN.with_nullable(False))


def _unless_nested(kernel: ArrowFunction) -> Callable[[Call, EvalContext], ArrowFunction | None]:
    return lambda call, context: None if call.args[0].type.kind in NESTED else kernel


def _compare_sql(operator: str) -> Callable[[Call, Sequence[str], EvalContext], str]:
    """DuckDB takes NaN for the largest number and equal to itself; Java finds no comparison with it true but <>."""

    def render(call: Call, args: Sequence[str], context: EvalContext) -> str:
        left, right = args
        plain = f"({left} {operator} {right})"
        doubtful = [
            sql
            for sql, arg in zip(args, call.args, strict=True)
            if arg.type.kind in FLOATS and not (isinstance(arg, Literal) and arg.value == arg.value)
        ]
        if not doubtful:
            return plain
        odd = " OR ".join(f"isnan({each})" for each in doubtful)
        outcome = "true" if operator == "<>" else "false"
        return f"(CASE WHEN {left} IS NULL OR {right} IS NULL THEN NULL WHEN {odd} THEN {outcome} ELSE {plain} END)"

    return render


def _not_distinct(left: Datum, right: Datum) -> Datum:
    same = pc.fill_null(pc.equal(left, right), False)
    return pc.or_(same, pc.and_(pc.is_null(left), pc.is_null(right)))


def _in_rule(args: Args) -> Bound:
    if len(args) < 2:
        raise Mismatch
    converted = comparable(args)
    if not all(isinstance(each, Literal) for each in converted[1:]):
        raise Mismatch("IN takes constants here")
    return Bound(converted, t.BOOLEAN.with_nullable(any_nullable(converted)))


def _in_kernel(call: Call, context: EvalContext) -> ArrowFunction | None:
    if call.args[0].type.kind in NESTED:
        return None
    listed = [each.value for each in call.args[1:] if isinstance(each, Literal)]
    values = to_array(call.args[0].type, [each for each in listed if each is not None])
    unknown = pa.scalar(None, pa.bool_())
    has_null = None in listed

    def evaluate(value: Datum, *rest: Datum) -> Datum:
        found = pc.is_in(value, value_set=values)
        if has_null:
            return pc.if_else(found, found, unknown)
        return pc.if_else(pc.is_valid(value), found, unknown)

    return evaluate


def _shared(what: str, null: str) -> Callable[[Args], Bound]:
    """Arguments of one type, which is the result's; it is NULL where `any` or where `all` are."""

    def rule(args: Args) -> Bound:
        if not args:
            raise Mismatch
        converted = same_type(args, f"{what} cannot choose between")
        combine = any if null == "any" else all
        return Bound(converted, converted[0].type.with_nullable(combine(each.type.nullable for each in converted)))

    return rule


def _extreme(compare: Callable[[Datum, Datum], Datum]) -> Callable[[Call, EvalContext], ArrowFunction | None]:
    """The largest or smallest; NULL where one is NULL."""

    def build(call: Call, context: EvalContext) -> ArrowFunction | None:
        if call.type.kind in NESTED:
            return None
        return lambda *args: reduce(lambda a, b: pc.if_else(compare(a, b), a, b), args)

    return build


def _extreme_sql(function: str, operator: str) -> Callable[[Call, Sequence[str], EvalContext], str]:
    def render(call: Call, args: Sequence[str], context: EvalContext) -> str:
        if len(args) == 1:
            return args[0]
        missing = " OR ".join(f"({each}) IS NULL" for each in args)
        if call.type.kind not in FLOATS:
            return f"CASE WHEN {missing} THEN NULL ELSE {function}({', '.join(args)}) END"
        return reduce(
            lambda a, b: (
                f"CASE WHEN {a} IS NULL OR {b} IS NULL THEN NULL"
                f" WHEN NOT isnan({a}) AND NOT isnan({b}) AND {a} {operator} {b} THEN {a} ELSE {b} END"
            ),
            args,
        )

    return render


def _truth(value: bool | None, negated: bool) -> ArrowFunction:
    def evaluate(datum: Datum) -> Datum:
        if value is None:
            return pc.is_valid(datum) if negated else pc.is_null(datum)
        known = pc.fill_null(datum if value else pc.invert(datum), False)
        return pc.invert(known) if negated else known

    return evaluate


_TWO = "{0} {op} {1}"
_boolean = takes("boolean", t.BOOLEAN)
_both = takes("boolean, boolean", t.BOOLEAN)
_never_null = takes("any", t.BOOLEAN, nulls=False)
_truth_test = takes("boolean", t.BOOLEAN, nulls=False)


def _compare(name: str, kernel: Any) -> Function:
    return Function(name, f"a {name} b", _comparison, _unless_nested(kernel), _compare_sql(name), name)


def _test(name: str, value: bool | None, negated: bool, sql: str) -> Function:
    rule = _never_null if sql.endswith("NULL)") else _truth_test
    return Function(name, f"a {name}", rule, always(_truth(value, negated)), sql, name)


ENTRIES: tuple[Function, ...] = (
    _compare("=", pc.equal),
    _compare("<>", pc.not_equal),
    _compare("<", pc.less),
    _compare("<=", pc.less_equal),
    _compare(">", pc.greater),
    _compare(">=", pc.greater_equal),
    Function("AND", "a AND b", _both, always(pc.and_kleene), "({0} AND {1})", "AND"),
    Function("OR", "a OR b", _both, always(pc.or_kleene), "({0} OR {1})", "OR"),
    Function("NOT", "NOT a", _boolean, always(pc.invert), "(NOT {0})", "NOT"),
    _test("IS NULL", None, False, "({0} IS NULL)"),
    _test("IS NOT NULL", None, True, "({0} IS NOT NULL)"),
    _test("IS TRUE", True, False, "({0} IS NOT DISTINCT FROM true)"),
    _test("IS NOT TRUE", True, True, "({0} IS DISTINCT FROM true)"),
    _test("IS FALSE", False, False, "({0} IS NOT DISTINCT FROM false)"),
    _test("IS NOT FALSE", False, True, "({0} IS DISTINCT FROM false)"),
    _test("IS UNKNOWN", None, False, "({0} IS NULL)"),
    _test("IS NOT UNKNOWN", None, True, "({0} IS NOT NULL)"),
    Function(
        "IS NOT DISTINCT FROM",
        "a IS NOT DISTINCT FROM b",
        _distinct,
        _unless_nested(_not_distinct),
        lambda call, args, context: (
            f"({_compare_sql('=')(call, args, context)} IS NOT DISTINCT FROM true"
            f" OR ({args[0]} IS NULL AND {args[1]} IS NULL))"
        ),
        "IS NOT DISTINCT FROM",
    ),
    Function(
        "IS DISTINCT FROM",
        "a IS DISTINCT FROM b",
        _distinct,
        _unless_nested(lambda left, right: pc.invert(_not_distinct(left, right))),
        lambda call, args, context: (
            f"({_compare_sql('=')(call, args, context)} IS DISTINCT FROM true"
            f" AND NOT ({args[0]} IS NULL AND {args[1]} IS NULL))"
        ),
        "IS DISTINCT FROM",
    ),
    Function(
        "IN",
        "a IN (constant, …)",
        _in_rule,
        _in_kernel,
        lambda call, args, context: f"({args[0]} IN ({', '.join(args[1:])}))",
        "IN",
    ),
    Function(
        "COALESCE", "COALESCE(a, b, …)", _shared("COALESCE", "all"), always(pc.coalesce), "coalesce({args})", "COALESCE"
    ),
    Function(
        "GREATEST",
        "GREATEST(a, b, …)",
        _shared("GREATEST", "any"),
        _extreme(pc.greater),
        _extreme_sql("greatest", ">"),
        "GREATEST",
    ),
    Function(
        "LEAST", "LEAST(a, b, …)", _shared("LEAST", "any"), _extreme(pc.less), _extreme_sql("least", "<"), "LEAST"
    ),
)
