"""Tree nodes of the dialect that sqlglot has no exact match for: expressions and queries."""

from __future__ import annotations

from sqlglot.expressions import Expression, Query, Values


def arguments(names: str) -> dict[str, bool]:
    """What a node takes, in sqlglot's form: whether each argument is required; "?" marks those that are not.

    >>> arguments("this alias?")
    {'this': True, 'alias': False}
    """
    return {name.removesuffix("?"): not name.endswith("?") for name in names.split()}


class Call(Expression):
    """A function call of any kind: scalar, aggregate, group window, constructor. The name is upper-case SQL text."""

    arg_types = arguments("this expressions? namespace? distinct? within_group? filter? null_treatment? over?")


class JsonCall(Call):
    """JSON_VALUE, JSON_QUERY, JSON_EXISTS, JSON_OBJECT, JSON_ARRAY and their aggregates, with their clauses."""

    arg_types = Call.arg_types | arguments("returning? wrapper? on_empty? on_error? on_null?")


class JsonBehaviour(Expression):
    """What a JSON function gives ON EMPTY or ON ERROR: `kind`, and `this` the value of DEFAULT."""

    arg_types = arguments("kind this?")


class Symbol(Expression):
    """A keyword that is an argument: a time unit (YEAR, MINUTE, ...), BOTH, LEADING, TRAILING."""


class NamedArgument(Expression):
    """`NAME => expression`; `this` is the Identifier."""

    arg_types = arguments("this expression")


class DefaultArgument(Expression):
    """`DEFAULT` in place of an argument."""

    arg_types = arguments("")


class TypedLiteral(Expression):
    """DATE '...', TIME '...', TIMESTAMP '...': `kind` is the keyword, `this` the Literal."""

    arg_types = arguments("this kind")


class IntervalLiteral(Expression):
    """INTERVAL [-]'text' unit[(precision)] [TO to[(fraction)]]; units are singular and upper-case."""

    arg_types = arguments("this unit negative? precision? to? fraction?")


class TypeName(Expression):
    """A SQL type: see the table in the package's docstring. `unit`: that of an INTERVAL in only one."""

    arg_types = arguments("this precision? scale? expressions? not_null? unit?")


class FieldType(Expression):
    """A field of a ROW type: name, type, comment."""

    arg_types = arguments("this data_type comment?")


class Like(Expression):
    """`this LIKE expression [ESCAPE escape]`."""

    arg_types = arguments("this expression escape?")


class SimilarTo(Expression):
    """`this SIMILAR TO expression [ESCAPE escape]`."""

    arg_types = arguments("this expression escape?")


class IsTruth(Expression):
    """`this IS TRUE|FALSE|UNKNOWN`: `value` is that word."""

    arg_types = arguments("this value")


class IsNull(Expression):
    """`this IS NULL`."""


class IsJson(Expression):
    """`this IS JSON [VALUE|OBJECT|ARRAY|SCALAR]`: `kind` is that word, VALUE if none."""

    arg_types = arguments("this kind")


class SortKey(Expression):
    """One item of ORDER BY: `nulls` is FIRST, LAST or None."""

    arg_types = arguments("this descending? nulls?")


class WindowSpec(Expression):
    """What follows OVER or stands in a WINDOW clause; `this` is the Identifier of the window it extends, or None."""

    arg_types = arguments("this? partition_by? order_by? frame?")


class Frame(Expression):
    """ROWS, RANGE or GROUPS (`unit`) from `start` to `end`, both FrameBound; `end` is CURRENT ROW where not written.

    `exclude`: CURRENT ROW, GROUP, TIES or NO OTHERS.
    """

    arg_types = arguments("unit start end exclude?")


class FrameBound(Expression):
    """`kind`: UNBOUNDED PRECEDING, PRECEDING, CURRENT ROW, FOLLOWING or UNBOUNDED FOLLOWING; `this`: the distance."""

    arg_types = arguments("kind this?")


class NamedWindow(Expression):
    """`this AS (spec)` in a WINDOW clause."""

    arg_types = arguments("this spec")


class HintList(Expression):
    """`/*+ hint, ... */`."""

    arg_types = arguments("expressions")


class Hint(Expression):
    """One hint: upper-case name, then Option, Identifier or Literal arguments."""

    arg_types = arguments("this expressions?")


class Option(Expression):
    """`'key' = 'value'`; both are Literals."""

    arg_types = arguments("this expression")


class JoinedTable(Expression):
    """A join of two relations; see the package's docstring for `kind`."""

    arg_types = arguments("this expression kind natural? asof? comma? match_condition? on? using?")


class WindowTable(Expression):
    """A window table function: TUMBLE, HOP, CUMULATE or SESSION (`function`) over the relation `this`."""

    arg_types = arguments("this function time_column size? slide? step? gap? offset? partition_by? alias?")


class TableFunction(Expression):
    """Any other call in FROM, `this`; `lateral` where LATERAL stands before it."""

    arg_types = arguments("this lateral? alias?")


class TableArgument(Expression):
    """`TABLE t [PARTITION BY ...] [ORDER BY ...]` as an argument of a table function; `this` is the relation."""

    arg_types = arguments("this partition_by? order_by?")


class Descriptor(Expression):
    """`DESCRIPTOR(a, b)`: the Identifiers."""

    arg_types = arguments("expressions")


class Unnest(Expression):
    """`UNNEST(a, ...) [WITH ORDINALITY]`."""

    arg_types = arguments("expressions ordinality? alias?")


class ValuesQuery(Values, Query):
    """`VALUES (1, 'a'), ...`: sqlglot's exp.Values, made a query like the others."""


class TableQuery(Expression, Query):
    """`TABLE t` as a query: all rows of `this`."""

    arg_types = arguments("this with_? order? limit? offset?")


class Emit(Expression):
    """The EMIT clause; see the package's docstring."""

    arg_types = arguments("mode every? condition? lateness? accumulation?")


class MatchRecognize(Expression):
    """MATCH_RECOGNIZE over the relation `this`; see the package's docstring."""

    arg_types = arguments(
        "this partition_by? order_by? measures? rows_per_match? after? pattern strict_start? strict_end? within?"
        " subsets? define alias?"
    )


class SkipTo(Expression):
    """AFTER MATCH SKIP: `kind` PAST LAST ROW, TO NEXT ROW, TO FIRST, TO LAST; the last two have a variable, `this`."""

    arg_types = arguments("kind this?")


class PatternSubset(Expression):
    """`this = (A, B)` in SUBSET."""

    arg_types = arguments("this expressions")


class PatternSequence(Expression):
    """Patterns one after another."""

    arg_types = arguments("expressions")


class PatternAlternatives(Expression):
    """`A | B`."""

    arg_types = arguments("expressions")


class PatternPermute(Expression):
    """`PERMUTE(A, B)`."""

    arg_types = arguments("expressions")


class PatternExclusion(Expression):
    """`{- A -}`: matched, not put out."""


class PatternRepeat(Expression):
    """`this` at least `low` times and at most `high` (None: no limit); `reluctant` where `?` follows."""

    arg_types = arguments("this low high? reluctant?")
