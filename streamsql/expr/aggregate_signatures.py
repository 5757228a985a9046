"""What the arguments of an aggregate function must be, and what type it returns."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from streamsql.errors import Span, SqlError
from streamsql.expr.nodes import Expr, Literal, LiteralValue
from streamsql.expr.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    FLOATS,
    INT,
    INTEGERS,
    STRING,
    STRINGS,
    TIMESTAMPS,
    Kind,
    SqlType,
    array,
    decimal,
    timestamp,
)
from streamsql.record import record


@record
class Ordering:
    """How one column orders rows."""

    ascending: bool = True
    nulls_first: bool = True


@record
class AggregateArguments:
    """A call as it is written. `name` is as the query has it; `order`: what stands in WITHIN GROUP (ORDER BY …), or
    ORDER BY before the closing parenthesis. `null_treatment`: IGNORE, RESPECT (NULLS); NULL, ABSENT (ON NULL)."""

    name: str
    args: tuple[Expr, ...]
    distinct: bool = False
    order: tuple[tuple[Expr, Ordering], ...] = ()
    null_treatment: str | None = None
    span: Span | None = None

    def at(self, position: int) -> Span | None:
        """Where an argument stands."""
        return self.args[position].span or self.span


@record
class AggregateSignature:
    """What a call returns, and its column arguments; constant ones are in `options`.

    `args` are to be converted to `arg_types`. `order`: how the last of `args` order the rows. `optional`: NULL
    arguments count too.
    """

    type: SqlType
    args: tuple[Expr, ...]
    arg_types: tuple[SqlType, ...]
    options: tuple[LiteralValue, ...] = ()
    order: tuple[Ordering, ...] = ()
    optional: bool = False


Resolver = Callable[[AggregateArguments], AggregateSignature]
_UNORDERED = (Kind.NULL, Kind.ARRAY, Kind.MAP, Kind.MULTISET, Kind.ROW)
_MAX_DECIMAL = 38
_MIN_AVERAGE_SCALE = 6


def count(call: AggregateArguments) -> AggregateSignature:
    """COUNT(*), COUNT(a, …): rows without a NULL among the arguments."""
    if call.distinct and not call.args:
        raise SqlError(
            "COUNT(DISTINCT *) has no meaning", span=call.span, hint="name the columns: COUNT(DISTINCT a, b)"
        )
    return _plain(call, BIGINT.with_nullable(False))


def total(call: AggregateArguments) -> AggregateSignature:
    """SUM keeps the type; DECIMAL(p, s) becomes DECIMAL(38, s)."""
    _expect(call, 1)
    type_ = _number(call)
    if type_.kind is Kind.DECIMAL:
        return _plain(call, decimal(_MAX_DECIMAL, type_.scale or 0))
    return _plain(call, type_.with_nullable(True))


def average(call: AggregateArguments) -> AggregateSignature:
    """AVG, VAR_… and STDDEV_… keep the type; DECIMAL(p, s) becomes DECIMAL(38, max(6, s))."""
    _expect(call, 1)
    type_ = _number(call)
    if type_.kind is Kind.DECIMAL:
        return _plain(call, decimal(_MAX_DECIMAL, max(_MIN_AVERAGE_SCALE, type_.scale or 0)))
    return _plain(call, type_.with_nullable(True))


def pair(call: AggregateArguments) -> AggregateSignature:
    """COVAR_…, CORR and REGR_… compute in DOUBLE."""
    _expect(call, 2, "two numbers")
    for position in (0, 1):
        _number(call, position)
    result = BIGINT.with_nullable(False) if call.name.upper() == "REGR_COUNT" else DOUBLE
    return AggregateSignature(result, call.args, (DOUBLE, DOUBLE))


def extreme(call: AggregateArguments) -> AggregateSignature:
    """MIN and MAX of anything that has an order."""
    _expect(call, 1)
    return _plain(call, _ordered(call, 0).with_nullable(True))


def condition(call: AggregateArguments) -> AggregateSignature:
    """BOOL_AND and BOOL_OR."""
    _expect(call, 1)
    if call.args[0].type.kind not in (Kind.BOOLEAN, Kind.NULL):
        raise SqlError(f"{call.name} needs a condition, not {call.args[0].type}", span=call.at(0))
    return AggregateSignature(BOOLEAN, call.args, (BOOLEAN,))


def bits(call: AggregateArguments) -> AggregateSignature:
    """BIT_AND, BIT_OR, BIT_XOR of integers."""
    _expect(call, 1)
    if call.args[0].type.kind not in INTEGERS:
        raise SqlError(f"{call.name} needs an integer, not {call.args[0].type}", span=call.at(0))
    return _plain(call, call.args[0].type.with_nullable(True))


def first_row(call: AggregateArguments) -> AggregateSignature:
    """FIRST_VALUE and LAST_VALUE skip NULLs."""
    _expect(call, 1)
    if call.null_treatment == "RESPECT":
        hint = f"leave RESPECT NULLS out: {call.name} takes values only"
        raise SqlError(f"{call.name} does not take NULLs", span=call.span, hint=hint)
    return _plain(call, _typed(call, 0).with_nullable(True), order=True)


def witness(call: AggregateArguments) -> AggregateSignature:
    """ARG_MIN and ARG_MAX: the first argument where the second is least or greatest."""
    _expect(call, 2, "a value, and what it is chosen by")
    _ordered(call, 1)
    return _plain(call, _typed(call, 0).with_nullable(True))


def listagg(call: AggregateArguments) -> AggregateSignature:
    """LISTAGG(text [, separator]), in order of arrival or of WITHIN GROUP (ORDER BY …)."""
    if len(call.args) not in (1, 2):
        raise SqlError(f"{call.name} takes a text and a separator, not {len(call.args)} arguments", span=call.span)
    text = call.args[0]
    if text.type.kind not in STRINGS:
        hint = f"write {call.name}(CAST(… AS STRING))"
        raise SqlError(f"{call.name} joins texts, not {text.type}", span=call.at(0), hint=hint)
    separator = "," if len(call.args) == 1 else _separator(call)
    return _collected(call, STRING, (text,), options=(separator,))


def _separator(call: AggregateArguments) -> str:
    match call.args[1]:
        case Literal(value=str(separator)):
            return separator
    hint = f"write it as a literal: {call.name}(name, '; ')"
    raise SqlError(f"the separator of {call.name} must be a constant text", span=call.at(1), hint=hint)


def array_agg(call: AggregateArguments) -> AggregateSignature:
    """ARRAY_AGG keeps NULLs unless IGNORE NULLS is written."""
    _expect(call, 1)
    element = _typed(call, 0)
    optional = call.null_treatment != "IGNORE"
    return _collected(call, array(element), call.args, optional=optional)


def collect(call: AggregateArguments) -> AggregateSignature:
    """COLLECT: a MULTISET of the values, without NULLs."""
    _expect(call, 1)
    element = _typed(call, 0).with_nullable(False)
    return _plain(call, SqlType(Kind.MULTISET, children=(element,)))


def json_array(call: AggregateArguments) -> AggregateSignature:
    """JSON_ARRAYAGG of JSON texts; NULLs are left out unless NULL ON NULL is written."""
    _expect(call, 1)
    optional = call.null_treatment == "NULL"
    return _collected(call, STRING.with_nullable(False), call.args, optional=optional)


def json_object(call: AggregateArguments) -> AggregateSignature:
    """JSON_OBJECTAGG of keys, their JSON and that of the values; NULLs are kept unless ABSENT ON NULL is written."""
    if len(call.args) != 3:
        raise SqlError(
            f"{call.name} takes a key and a value", span=call.span, hint="write JSON_OBJECTAGG(KEY k VALUE v)"
        )
    if call.args[0].type.kind not in STRINGS:
        hint = "write JSON_OBJECTAGG(CAST(… AS STRING) VALUE …)"
        raise SqlError(f"a key of {call.name} is a text, not {call.args[0].type}", span=call.at(0), hint=hint)
    optional = call.null_treatment != "ABSENT"
    return _collected(call, STRING.with_nullable(False), call.args, optional=optional)


def mode(call: AggregateArguments) -> AggregateSignature:
    """MODE keeps the type."""
    value = _one_value(call)
    if value.type.kind is Kind.NULL:
        raise SqlError(f"{call.name} needs values with a type", span=value.span or call.span, hint="CAST the NULL")
    return AggregateSignature(value.type.with_nullable(True), (value,), (value.type,))


def median(call: AggregateArguments) -> AggregateSignature:
    """The continuous quantile at one half."""
    value = _one_value(call)
    source, result = _continuous(call, value)
    return AggregateSignature(result, (value,), (source,), options=(0.5,))


def continuous_quantile(call: AggregateArguments) -> AggregateSignature:
    """QUANTILE_CONT(x, p) and PERCENTILE_CONT(p) WITHIN GROUP (ORDER BY x): interpolated."""
    value, fractions, descending = _quantile(call)
    source, result = _continuous(call, value)
    options = tuple(1 - each for each in fractions) if descending else fractions
    return AggregateSignature(_one_or_array(result, call), (value,), (source,), options=options)


def discrete_quantile(call: AggregateArguments) -> AggregateSignature:
    """QUANTILE_DISC(x, p) and PERCENTILE_DISC(p) WITHIN GROUP (ORDER BY x): one of the values."""
    value, fractions, descending = _quantile(call)
    if value.type.kind in _UNORDERED:
        raise SqlError(f"{call.name} needs values with an order, not {value.type}", span=value.span or call.span)
    result = _one_or_array(value.type.with_nullable(True), call)
    # A negative fraction counts from the largest value downwards.
    options = tuple(-each - 1 for each in fractions) if descending else fractions
    return AggregateSignature(result, (value,), (value.type,), options=options)


def approximate_count(call: AggregateArguments) -> AggregateSignature:
    """APPROX_COUNT_DISTINCT: the argument is a HyperLogLog code of the value."""
    _expect(call, 1)
    return AggregateSignature(BIGINT.with_nullable(False), call.args, (INT,))


def approximate_quantile(call: AggregateArguments) -> AggregateSignature:
    """APPROX_QUANTILE(x, p): a discrete quantile of numbers that were rounded to a few digits."""
    value, fractions, descending = _quantile(call)
    options = tuple(-each - 1 for each in fractions) if descending else fractions
    return AggregateSignature(_one_or_array(DOUBLE, call), (value,), (DOUBLE,), options=options)


def percentile(call: AggregateArguments) -> AggregateSignature:
    """Flink's PERCENTILE(x, p [, frequency]): DOUBLE, interpolated."""
    if len(call.args) not in (2, 3):
        raise SqlError(f"{call.name} takes a number, a fraction and a frequency", span=call.span)
    _number(call)
    result = array(DOUBLE) if call.args[1].type.kind is Kind.ARRAY else DOUBLE
    fractions = _fractions(call, call.args[1])
    if len(call.args) == 2:
        return AggregateSignature(result, call.args[:1], (DOUBLE,), options=fractions)
    frequency = call.args[2]
    if frequency.type.kind not in INTEGERS:
        raise SqlError(f"a frequency is an integer, not {frequency.type}", span=call.at(2))
    return AggregateSignature(result, (call.args[0], frequency), (DOUBLE, BIGINT), options=fractions)


def _quantile(call: AggregateArguments) -> tuple[Expr, tuple[float, ...], bool]:
    """What is ordered, the fractions, and whether the order descends."""
    if call.order:
        _expect(call, 1, "a fraction")
        if len(call.order) > 1:
            raise SqlError(f"{call.name} orders by one value", span=call.order[1][0].span or call.span)
        value, ordering = call.order[0]
        return value, _fractions(call, call.args[0]), not ordering.ascending
    _expect(call, 2, "a value and a fraction")
    return call.args[0], _fractions(call, call.args[1]), False


def _one_or_array(result: SqlType, call: AggregateArguments) -> SqlType:
    given = call.args[0] if call.order else call.args[1]
    return array(result) if given.type.kind is Kind.ARRAY else result


def _fractions(call: AggregateArguments, given: Expr) -> tuple[float, ...]:
    found = _constants(given)
    if found is None:
        hint = "write a number from 0 to 1, or ARRAY[0.5, 0.9]"
        raise SqlError(f"the fraction of {call.name} must be constant", span=given.span or call.span, hint=hint)
    if not all(0 <= each <= 1 for each in found):
        raise SqlError(f"the fraction of {call.name} lies from 0 to 1", span=given.span or call.span)
    return found


def _constants(given: Expr) -> tuple[float, ...] | None:
    match given:
        case Literal(value=bool()):
            return None
        case Literal(value=(int() | float() | Decimal()) as number):
            return (float(number),)
        case _ if given.type.kind is Kind.ARRAY:
            parts = [_constants(each) for each in _elements(given)]
            return tuple(each[0] for each in parts if each) if all(parts) and parts else None
    arg = getattr(given, "arg", None)
    return _constants(arg) if isinstance(arg, Expr) else None


def _elements(given: Expr) -> tuple[Expr, ...]:
    return getattr(given, "args", ())


def _one_value(call: AggregateArguments) -> Expr:
    """MEDIAN(x), or MODE() WITHIN GROUP (ORDER BY x)."""
    if call.order and not call.args:
        return call.order[0][0]
    _expect(call, 1)
    return call.args[0]


def _continuous(call: AggregateArguments, value: Expr) -> tuple[SqlType, SqlType]:
    """What values are turned into, and the type between them."""
    if value.type.kind in (*INTEGERS, *FLOATS, Kind.DECIMAL):
        return DOUBLE, DOUBLE
    if value.type.kind in TIMESTAMPS:
        return value.type, SqlType(value.type.kind, 6)
    if value.type.kind is Kind.DATE:
        return timestamp(6), timestamp(6)
    hint = "PERCENTILE_DISC takes any values that have an order"
    raise SqlError(f"{call.name} needs numbers or times, not {value.type}", span=value.span or call.span, hint=hint)


def _plain(call: AggregateArguments, type_: SqlType, *, order: bool = False) -> AggregateSignature:
    """The arguments as they are; an ORDER BY only where `order`."""
    if order:
        return _collected(call, type_, call.args)
    return AggregateSignature(type_, call.args, tuple(each.type for each in call.args))


def _collected(
    call: AggregateArguments,
    type_: SqlType,
    args: tuple[Expr, ...],
    *,
    options: tuple[LiteralValue, ...] = (),
    optional: bool = False,
) -> AggregateSignature:
    """The arguments, and after them what orders the rows."""
    for each, _ in call.order:
        if each.type.kind in _UNORDERED:
            raise SqlError(f"ORDER BY needs values with an order, not {each.type}", span=each.span or call.span)
    every = (*args, *(each for each, _ in call.order))
    order = tuple(ordering for _, ordering in call.order)
    return AggregateSignature(type_, every, tuple(each.type for each in every), options, order, optional)


def _expect(call: AggregateArguments, count: int, what: str = "") -> None:
    if len(call.args) == count:
        return
    words = {1: "one argument", 2: "two arguments"}
    takes = f"{words[count]} ({what})" if what else words[count]
    raise SqlError(f"{call.name} takes {takes}, not {len(call.args)}", span=call.span)


def _typed(call: AggregateArguments, position: int) -> SqlType:
    type_ = call.args[position].type
    if type_.kind is Kind.NULL:
        raise SqlError(f"{call.name} needs values with a type", span=call.at(position), hint="CAST the NULL")
    return type_


def _ordered(call: AggregateArguments, position: int) -> SqlType:
    type_ = call.args[position].type
    if type_.kind in _UNORDERED:
        raise SqlError(f"{call.name} needs values with an order, not {type_}", span=call.at(position))
    return type_


def _number(call: AggregateArguments, position: int = 0) -> SqlType:
    type_ = call.args[position].type
    if type_.kind not in (*INTEGERS, *FLOATS, Kind.DECIMAL):
        raise SqlError(f"{call.name} needs a number, not {type_}", span=call.at(position))
    return type_
