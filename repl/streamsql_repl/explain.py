"""`streamsql explain`: the plans of a script's queries, nothing run."""

from __future__ import annotations

import click

from streamsql.query import Query
from streamsql.sql import statements as s
from streamsql_repl.inputs import refuse_unused
from streamsql_repl.session import make_session


def explain_text(text: str, name: str, inputs: tuple[str, ...], input_format: str | None) -> None:
    """Print the plan of every SELECT and INSERT; DDL is carried out in a session of its own."""
    session = make_session(inputs, input_format)
    plans = []
    for statement in session.statements(text, name):
        match statement:
            case s.Query(plan=plan):
                plans.append(plan)
            case s.Insert(plans=several) | s.Explain(plans=several):
                plans += several
            case _:
                session.apply(statement)
    refuse_unused(session)
    click.echo("\n\n".join(Query(session.engine(), plan).explain() for plan in plans))
