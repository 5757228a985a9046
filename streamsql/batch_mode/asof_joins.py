"""ASOF joins of rows that may change, as DuckDB SQL: of right rows with equal values the last one alone takes part."""

from __future__ import annotations

from streamsql.batch_mode.joins import EQUAL
from streamsql.batch_mode.relation import Lowering, Relation, column, distinct_ids, select_list
from streamsql.batch_mode.rows import sql
from streamsql.plan.final_order import final_order
from streamsql.plan.nearest_joins import AsofJoin


def lower_asof_join(plan: AsofJoin, left: Relation, right: Relation, lowering: Lowering) -> Relation:
    """Left rows with the nearest right row; then the right rows that no left row has found, where they are kept."""
    theirs = lowering.add(f"SELECT *, row_number() OVER () AS rid FROM {right.name}", keep=True)
    met = lowering.add(_met(plan, left, right, theirs, lowering), keep=True)
    items = {column(each.id): column(each.id) for each in plan.fields}
    body = f"SELECT {select_list(items, left.ordinals)} FROM {met}"
    if plan.kind.keeps_right:
        alone = {each: each if each in right.columns else "NULL" for each in items}
        found = f"SELECT rid FROM {met} WHERE rid IS NOT NULL"
        nothing = ["NULL"] * left.order
        body += f" UNION ALL SELECT {select_list(alone, nothing)} FROM {theirs} WHERE rid NOT IN ({found})"
    return Relation(lowering.add(body), distinct_ids(plan.fields), left.order)


def _met(plan: AsofJoin, left: Relation, right: Relation, theirs: str, lowering: Lowering) -> str:
    """Left rows and, by `rid`, what each has found."""
    how = "LEFT JOIN" if plan.kind.keeps_left else "JOIN"
    mine, other = column(plan.left_value.id), column(plan.right_value.id)
    terms = [f"l.{column(each.left)} {EQUAL[each.null_safe]} r.{column(each.right)}" for each in plan.on]
    terms.append(f"l.{mine} {plan.operator} r.{other}")
    columns = [f"l.{each}" for each in (*left.columns, *left.ordinals)]
    columns += [f"r.{each}" for each in (*right.columns, "rid")]
    ties = ", ".join(f"r.{each} DESC NULLS LAST" for each in _ties(plan, right))
    if plan.residual is None:
        by = ", ".join((*(column(each.right) for each in plan.on), other))
        last = lowering.add(
            f"SELECT * FROM {theirs} AS r QUALIFY row_number() OVER (PARTITION BY {by} ORDER BY {ties}) = 1"
        )
        return f"SELECT {', '.join(columns)} FROM {left.name} AS l ASOF {how} {last} AS r ON {' AND '.join(terms)}"
    residual = sql(plan.residual, Relation("", (*left.ids, *right.ids), 0), lowering)
    numbered = lowering.add(f"SELECT *, row_number() OVER () AS lid FROM {left.name}", keep=True)
    nearest = f"r.{other} {'ASC' if plan.operator in ('<', '<=') else 'DESC'} NULLS LAST, {ties}"
    pairs = f"CASE WHEN {' AND '.join(terms)} THEN {residual} END"
    first = f"row_number() OVER (PARTITION BY lid ORDER BY {nearest}) = 1"
    return f"SELECT {', '.join(columns)} FROM {numbered} AS l {how} {theirs} AS r ON {pairs} QUALIFY {first}"


def _ties(plan: AsofJoin, right: Relation) -> tuple[str, ...]:
    """What right rows with equal values go by: the last counts."""
    found = final_order(plan.right)
    return right.ordinals if found is None else tuple(column(plan.right.fields[each].id) for each in found)
