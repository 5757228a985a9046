"""Tree nodes of the dialect that sqlglot has no exact match for: expressions and queries."""

from __future__ import annotations

from sqlglot.expressions import Expression


class Call(Expression):
    """A function call of any kind: scalar, aggregate, group window, constructor. The name is upper-case SQL text."""

    arg_types = {
        "this": True,
        "expressions": False,
        "namespace": False,
        "distinct": False,
        "within_group": False,
        "filter": False,
        "null_treatment": False,
        "over": False,
    }


class JsonCall(Call):
    """JSON_VALUE, JSON_QUERY, JSON_EXISTS, JSON_OBJECT, JSON_ARRAY and their aggregates, with their clauses."""

    arg_types = {
        **Call.arg_types,
        "returning": False,
        "wrapper": False,
        "on_empty": False,
        "on_error": False,
        "on_null": False,
    }


class JsonBehaviour(Expression):
    """What a JSON function gives ON EMPTY or ON ERROR: `kind`, and `this` the value of DEFAULT."""

    arg_types = {"kind": True, "this": False}


class Symbol(Expression):
    """A keyword that is an argument: a time unit (YEAR, MINUTE, ...), BOTH, LEADING, TRAILING."""


class NamedArgument(Expression):
    """`NAME => expression`; `this` is the Identifier."""

    arg_types = {"this": True, "expression": True}


class DefaultArgument(Expression):
    """`DEFAULT` in place of an argument."""

    arg_types = {}


class TypedLiteral(Expression):
    """DATE '...', TIME '...', TIMESTAMP '...': `kind` is the keyword, `this` the Literal."""

    arg_types = {"this": True, "kind": True}


class IntervalLiteral(Expression):
    """INTERVAL [-]'text' unit[(precision)] [TO to[(fraction)]]; units are singular and upper-case."""

    arg_types = {"this": True, "unit": True, "negative": False, "precision": False, "to": False, "fraction": False}


class TypeName(Expression):
    """A SQL type: see the table in the package's docstring."""

    arg_types = {"this": True, "precision": False, "scale": False, "expressions": False, "not_null": False}


class FieldType(Expression):
    """A field of a ROW type: name, type, comment."""

    arg_types = {"this": True, "data_type": True, "comment": False}


class Like(Expression):
    """`this LIKE expression [ESCAPE escape]`."""

    arg_types = {"this": True, "expression": True, "escape": False}


class SimilarTo(Expression):
    """`this SIMILAR TO expression [ESCAPE escape]`."""

    arg_types = {"this": True, "expression": True, "escape": False}


class IsTruth(Expression):
    """`this IS TRUE|FALSE|UNKNOWN`: `value` is that word."""

    arg_types = {"this": True, "value": True}


class IsNull(Expression):
    """`this IS NULL`."""


class IsJson(Expression):
    """`this IS JSON [VALUE|OBJECT|ARRAY|SCALAR]`: `kind` is that word, VALUE if none."""

    arg_types = {"this": True, "kind": True}


class SortKey(Expression):
    """One item of ORDER BY: `nulls` is FIRST, LAST or None."""

    arg_types = {"this": True, "descending": False, "nulls": False}


class WindowSpec(Expression):
    """What follows OVER or stands in a WINDOW clause; `this` is the Identifier of the window it extends, or None."""

    arg_types = {"this": False, "partition_by": False, "order_by": False, "frame": False}


class Frame(Expression):
    """ROWS or RANGE (`unit`) from `start` to `end`, both FrameBound; `end` is CURRENT ROW where not written."""

    arg_types = {"unit": True, "start": True, "end": True}


class FrameBound(Expression):
    """`kind`: UNBOUNDED PRECEDING, PRECEDING, CURRENT ROW, FOLLOWING or UNBOUNDED FOLLOWING; `this`: the distance."""

    arg_types = {"kind": True, "this": False}


class NamedWindow(Expression):
    """`this AS (spec)` in a WINDOW clause."""

    arg_types = {"this": True, "spec": True}


class HintList(Expression):
    """`/*+ hint, ... */`."""

    arg_types = {"expressions": True}


class Hint(Expression):
    """One hint: upper-case name, then Option, Identifier or Literal arguments."""

    arg_types = {"this": True, "expressions": False}


class Option(Expression):
    """`'key' = 'value'`; both are Literals."""

    arg_types = {"this": True, "expression": True}


class JoinedTable(Expression):
    """A join of two relations; see the package's docstring for `kind`."""

    arg_types = {
        "this": True,
        "expression": True,
        "kind": True,
        "natural": False,
        "asof": False,
        "comma": False,
        "on": False,
        "using": False,
    }


class WindowTable(Expression):
    """A window table function: TUMBLE, HOP, CUMULATE or SESSION (`function`) over the relation `this`."""

    arg_types = {
        "this": True,
        "function": True,
        "time_column": True,
        "size": False,
        "slide": False,
        "step": False,
        "gap": False,
        "offset": False,
        "partition_by": False,
        "alias": False,
    }


class TableFunction(Expression):
    """Any other call in FROM, `this`; `lateral` where LATERAL stands before it."""

    arg_types = {"this": True, "lateral": False, "alias": False}


class TableArgument(Expression):
    """`TABLE t [PARTITION BY ...] [ORDER BY ...]` as an argument of a table function; `this` is the relation."""

    arg_types = {"this": True, "partition_by": False, "order_by": False}


class Descriptor(Expression):
    """`DESCRIPTOR(a, b)`: the Identifiers."""

    arg_types = {"expressions": True}


class Unnest(Expression):
    """`UNNEST(a, ...) [WITH ORDINALITY]`."""

    arg_types = {"expressions": True, "ordinality": False, "alias": False}


class TableQuery(Expression):
    """`TABLE t` as a query: all rows of `this`."""

    arg_types = {"this": True, "with_": False, "order": False, "limit": False, "offset": False}


class Emit(Expression):
    """The EMIT clause; see the package's docstring."""

    arg_types = {"mode": True, "every": False, "condition": False, "lateness": False, "accumulation": False}


class MatchRecognize(Expression):
    """MATCH_RECOGNIZE over the relation `this`; see the package's docstring."""

    arg_types = {
        "this": True,
        "partition_by": False,
        "order_by": False,
        "measures": False,
        "rows_per_match": False,
        "after": False,
        "pattern": True,
        "strict_start": False,
        "strict_end": False,
        "within": False,
        "subsets": False,
        "define": True,
        "alias": False,
    }


class SkipTo(Expression):
    """AFTER MATCH SKIP: `kind` PAST LAST ROW, TO NEXT ROW, TO FIRST or TO LAST, the last two with the variable `this`."""

    arg_types = {"kind": True, "this": False}


class PatternSubset(Expression):
    """`this = (A, B)` in SUBSET."""

    arg_types = {"this": True, "expressions": True}


class PatternSequence(Expression):
    """Patterns one after another."""

    arg_types = {"expressions": True}


class PatternAlternatives(Expression):
    """`A | B`."""

    arg_types = {"expressions": True}


class PatternPermute(Expression):
    """`PERMUTE(A, B)`."""

    arg_types = {"expressions": True}


class PatternExclusion(Expression):
    """`{- A -}`: matched, not put out."""


class PatternRepeat(Expression):
    """`this` at least `low` times and at most `high` (None: no limit); `reluctant` where `?` follows."""

    arg_types = {"this": True, "low": True, "high": False, "reluctant": False}
