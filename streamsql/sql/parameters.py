"""Parameters of a statement: values from Python in place of `?` and `:name`, as typed constants and never as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from streamsql.errors import SqlError, UsageError, did_you_mean
from streamsql.expr import types as t
from streamsql.expr.literals import from_scalar
from streamsql.expr.nodes import Literal
from streamsql.expr.types import arrow_type, from_arrow
from streamsql.sql.dialect import exp
from streamsql.sql.parse import ParsedStatement, span_of

Parameters = Sequence[Any] | Mapping[str, Any]


def set_parameters(statements: Sequence[ParsedStatement], values: Parameters) -> None:
    """Give each `?` of a script, in the order of the text, or each `:name` its value.

    UsageError where there are values too many or too few, SqlError for a name without a value.
    """
    found = [place for each in statements for place in each.tree.find_all(exp.Placeholder)]
    places = sorted(found, key=lambda each: (span_of(each) or statements[0].span).start)
    given = _by_place(places, values) if isinstance(values, Mapping) else _in_order(places, values)
    for place, value in zip(places, given, strict=True):
        literal = constant(value, _name(place) or "?")
        if type(literal.value) is int and literal.value >= 0 and literal.type.kind in t.INTEGERS:
            # As a plain number it can stand where only a number can, such as in LIMIT.
            number = exp.Literal.number(str(literal.value))
            number.meta.update(place.meta)
            place.replace(number)
        else:
            place.set("literal", literal)


def constant(value: Any, name: str) -> Literal:
    """A Python value as a constant: an int is INT where it fits, else BIGINT or DECIMAL; a float is DOUBLE."""
    try:
        scalar = pa.scalar(value)
        if isinstance(value, int) and not isinstance(value, bool) and -(1 << 31) <= value < 1 << 31:
            scalar = scalar.cast(pa.int32())
        type_ = from_arrow(scalar.type)
        return Literal(from_scalar(scalar.cast(arrow_type(type_)), type_), type=type_.with_nullable(value is None))
    except (pa.ArrowException, OverflowError, TypeError, ValueError, UsageError) as error:
        hint = "numbers, strings, bytes, dates, times, Decimal, None, and lists and dicts of them can be parameters"
        raise UsageError(f"the parameter {name} is a {type(value).__name__}", hint=hint) from error


def _in_order(places: list[exp.Placeholder], values: Sequence[Any]) -> list[Any]:
    if isinstance(values, str | bytes):
        raise UsageError("params is a list of values or a dict of them by name, not a string")
    named = next((each for each in places if _name(each)), None)
    if named is not None:
        hint = f"give params as a dict: {{{_name(named)!r}: …}}"
        raise SqlError(f":{_name(named)} has no value", span=span_of(named), hint=hint)
    if len(places) != len(values):
        raise UsageError(f"the SQL has {len(places)} parameters (?), and {len(values)} values are given")
    return list(values)


def _by_place(places: list[exp.Placeholder], values: Mapping[str, Any]) -> list[Any]:
    used = [_name(each) for each in places]
    for name, place in zip(used, places, strict=True):
        if name not in values:
            what = f":{name} has no value" if name else "? has no value: params is a dict"
            near = did_you_mean(name, tuple(values), kind="parameters") if name else "write :name"
            raise SqlError(what, span=span_of(place), hint=near)
    for name in values:
        if name not in used:
            hint = did_you_mean(name, tuple(used), kind="parameters") if used else None
            raise UsageError(f"the SQL has no parameter :{name}", hint=hint)
    return [values[name] for name in used]


def _name(place: exp.Placeholder) -> str:
    return str(place.args.get("this") or "")
