"""What can be said of an expression without running it."""

from __future__ import annotations

from streamsql.expr.casting import cast_can_fail
from streamsql.expr.functions import called
from streamsql.expr.nodes import Call, Cast, ColumnRef, Expr, walk


def can_fail(expr: Expr) -> bool:
    """Whether some row may make the expression raise: overflow, division by zero, a cast of malformed text."""
    return any(node_can_fail(each) for each in walk(expr))


def node_can_fail(expr: Expr) -> bool:
    """Whether this very node may raise, given values of its children."""
    match expr:
        case Call():
            return called(expr).fails(expr)
        case Cast(arg=arg, type=type_, safe=safe):
            return not safe and cast_can_fail(arg.type, type_)
        case _:
            return False


def is_volatile(expr: Expr) -> bool:
    """Whether evaluating the expression again may give another result."""
    return any(isinstance(each, Call) and called(each).volatile for each in walk(expr))


def random_call(expr: Expr) -> Call | None:
    """The first call below that gives each row a value of its own, which no later evaluation gives again."""
    calls = (each for each in walk(expr) if isinstance(each, Call))
    return next((each for each in calls if called(each).per_row), None)


def is_constant(expr: Expr) -> bool:
    """Reads no column and is not volatile."""
    return not any(isinstance(each, ColumnRef) for each in walk(expr)) and not is_volatile(expr)
