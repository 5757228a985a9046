"""`streamsql explain`: the plans of a script's queries, nothing run."""

from __future__ import annotations

import click

from streamsql.engine import Engine
from streamsql.errors import UsageError, located
from streamsql.outline import outline
from streamsql.plan.explain import explain
from streamsql.plan.logical import Plan
from streamsql.query import Query
from streamsql.sql import statements as s
from streamsql_repl.inputs import read_inputs
from streamsql_repl.session import make_session


def explain_text(
    text: str, name: str, inputs: tuple[str, ...], input_format: str | None, function_files: tuple[str, ...]
) -> None:
    """Print the plan of every SELECT and INSERT; DDL is carried out in a session of its own."""
    session = make_session(outline(text, name), read_inputs(inputs), input_format, function_files)
    shown: list[str] = []
    with located(text, name):
        for statement in session.statements(text, name):
            match statement:
                case s.Explain(plans=(plan,), kept=True):
                    shown.append(explain(session.engine().kept_plan(plan)))
                case s.Query(plan=plan):
                    shown.append(_explained(session.engine(), plan))
                case s.Insert(plans=plans) | s.Explain(plans=plans):
                    shown += [_explained(session.engine(), each) for each in plans]
                case _:
                    session.apply(statement)
    if not shown:
        raise UsageError(f"{name} has no query to explain")
    click.echo("\n\n".join(shown))


def _explained(engine: Engine, plan: Plan) -> str:
    engine.run_over_nothing(engine.optimized(plan))
    return Query(engine, plan).explain()
