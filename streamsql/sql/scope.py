"""Name resolution: which field a column name means."""

from __future__ import annotations

from collections.abc import Sequence

from streamsql.errors import Span, SqlError, did_you_mean
from streamsql.expr.nodes import ColumnRef, Expr, FieldAccess
from streamsql.expr.types import Kind
from streamsql.plan.logical import Field
from streamsql.record import record

WINDOW_COLUMNS = ("window_start", "window_end", "window_time")


@record
class Relation:
    """What one item of FROM offers: its alias (None where it has none) and its fields; `table`: what is read, by its
    own name."""

    alias: str | None
    fields: tuple[Field, ...]
    table: str | None = None


@record
class Scope:
    """All relations of one FROM clause.

    `items`: the names that the SELECT gives its items, which errors explain.
    `merged`: the columns of USING and NATURAL joins, each standing for one of both sides, whose ids are `hidden`: those
    are reached by the name of their relation only. `outer`: what a subquery may read of the query around it.
    """

    relations: tuple[Relation, ...] = ()
    merged: tuple[Field, ...] = ()
    hidden: frozenset[int] = frozenset()
    items: frozenset[str] = frozenset()
    outer: Scope | None = None

    @property
    def fields(self) -> tuple[Field, ...]:
        """What an unqualified name may mean, and what * is."""
        own = (field for relation in self.relations for field in relation.fields if field.id not in self.hidden)
        return (*self.merged, *own)

    @property
    def ids(self) -> frozenset[int]:
        """The ids of all columns, hidden ones too."""
        own = (field.id for relation in self.relations for field in relation.fields)
        return frozenset((*own, *(each.id for each in self.merged)))

    def relation(self, alias: str, span: Span | None) -> Relation:
        """The relation of that alias, or SqlError."""
        for each in self.relations:
            if each.alias == alias:
                return each
        known = [each.alias for each in self.relations if each.alias is not None]
        raise SqlError(f"unknown table alias {alias}", span=span, hint=did_you_mean(alias, known, kind="aliases here"))

    def resolve(self, parts: Sequence[str], span: Span | None) -> Expr:
        """A column by its dotted name: `a`, `t.a`, `a.field`, `t.a.field.field`."""
        head, rest = parts[0], list(parts[1:])
        if self.outer is not None and not self._knows(head, qualified=bool(rest)):
            return self.outer.resolve(parts, span)
        if rest and any(each.alias == head for each in self.relations):
            relation = self.relation(head, span)
            found = [field for field in relation.fields if field.name == rest[0]]
            if not found:
                names = [field.name for field in relation.fields]
                hint = did_you_mean(rest[0], names, kind=f"columns of {head}")
                raise SqlError(f"unknown column {head}.{rest[0]}", span=span, hint=hint)
            rest = rest[1:]
        else:
            found = [field for field in self.fields if field.name == head]
            if not found:
                raise self._unknown(head, bool(rest), span)
        if len(found) > 1:
            raise self._ambiguous(found, span)
        return field_path(column_ref(found[0], span), rest, span)

    def _knows(self, name: str, *, qualified: bool) -> bool:
        """Whether a name begins a column of this scope itself."""
        alias = qualified and any(each.alias == name for each in self.relations)
        return alias or any(field.name == name for field in self.fields)

    def _ambiguous(self, found: Sequence[Field], span: Span | None) -> SqlError:
        owners = [each.alias for each in self.relations if any(field in each.fields for field in found)]
        names = [f"{owner}.{found[0].name}" for owner in dict.fromkeys(owners) if owner is not None]
        hint = f"write {' or '.join(names)}" if len(names) > 1 else "give the relations different aliases"
        return SqlError(f"column {found[0].name} is ambiguous", span=span, hint=hint)

    def _unknown(self, name: str, qualified: bool, span: Span | None) -> SqlError:
        if qualified:
            known = [each.alias for each in self.relations if each.alias is not None]
            known += [field.name for field in self.fields if field.type.kind is Kind.ROW]
            if not known:
                hint = "nothing can be named here: VALUES and a SELECT without FROM have no columns"
                return SqlError(f"unknown table or column {name}", span=span, hint=hint)
            return SqlError(
                f"unknown table or column {name}", span=span, hint=did_you_mean(name, known, kind="names here")
            )
        if not self.relations:
            hint = f"write FROM and its table; a text is written '{name}'"
            return SqlError(f"unknown column {name}: there is no FROM", span=span, hint=hint)
        if name in self.items:
            hint = f"{name} names an item of this SELECT: write its expression here, or select from a subquery"
            return SqlError(f"unknown column {name}", span=span, hint=hint)
        if name in WINDOW_COLUMNS:
            hint = f"{name} comes from a window: FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '10' MINUTE))"
            return SqlError(f"unknown column {name}", span=span, hint=hint)
        names = [field.name for field in self.fields if not field.name.startswith("$")]
        return SqlError(f"unknown column {name}", span=span, hint=did_you_mean(name, names, kind="columns here"))


def column_ref(field: Field, span: Span | None = None) -> ColumnRef:
    """An expression that reads a field."""
    return ColumnRef(field.id, field.name, type=field.type, span=span)


def field_path(expr: Expr, names: Sequence[str], span: Span | None) -> Expr:
    """`expr.a.b`: fields of ROW values."""
    for name in names:
        if expr.type.kind is not Kind.ROW:
            raise SqlError(f"{expr.type} has no fields: only ROW values do", span=span)
        if name not in expr.type.names:
            hint = did_you_mean(name, expr.type.names, kind="fields")
            raise SqlError(f"unknown field {name}", span=span, hint=hint)
        index = expr.type.names.index(name)
        child = expr.type.children[index]
        expr = FieldAccess(expr, index, type=child.with_nullable(child.nullable or expr.type.nullable), span=span)
    return expr
