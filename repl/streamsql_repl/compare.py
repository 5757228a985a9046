"""`streamsql compare`: stream against DuckDB batch, every difference explained or the exit code is 1."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

import click
import pyarrow as pa

from streamsql.engine import Engine
from streamsql.errors import Span, UsageError, located, position
from streamsql.outline import outline
from streamsql.plan.logical import Plan, SinkPlan
from streamsql.query import Query
from streamsql.record import record
from streamsql.runtime.output import SinkOutput
from streamsql.session import Session
from streamsql.sql import statements as s
from streamsql_repl.inputs import read_inputs
from streamsql_repl.session import make_session, say_inferred
from streamsql_repl.stdin_copy import with_stdin_copied


@record
class CompareOptions:
    """The options of `compare`."""

    inputs: tuple[str, ...] = ()
    input_format: str | None = None
    function_files: tuple[str, ...] = ()
    batch_sizes: str | None = None
    batch_size: int | None = None
    seed: int | None = None


def compare_text(text: str, name: str, options: CompareOptions) -> int:
    """Compare every SELECT and INSERT of a script; 0 only if no difference is left unexplained.

    Files are not written; in-memory tables get their rows, for the queries that read them.
    """
    sizes = _sizes(options.batch_sizes)
    script = outline(text, name)
    with ExitStack() as stack, located(text, name):
        inputs = with_stdin_copied(read_inputs(options.inputs), stack)
        session = make_session(
            script,
            inputs,
            options.input_format,
            options.function_files,
            batch_size=options.batch_size,
            seed=options.seed,
        )
        session.tables.on_inferred = say_inferred
        several = script.queries + script.inserts > 1
        codes: list[int] = []

        def compared(plan: Plan, span: Span | None) -> None:
            if several:
                line, _ = position(text, 0 if span is None else span.start)
                click.echo(f"{chr(10) if codes else ''}{name}:{line}")
            codes.append(_compare(session.engine(), plan, sizes))

        for statement in session.statements(text, name):
            match statement:
                case s.Query(plan=plan, span=span):
                    compared(plan, span)
                case s.Insert(plans=plans):
                    for each in plans:
                        compared(each, each.span)
                    _fill_memory(session, plans)
                case _:
                    session.apply(statement)
    if not codes:
        raise UsageError(f"{name} has no query to compare")
    return max(codes)


def _compare(engine: Engine, plan: Plan, sizes: tuple[int, ...]) -> int:
    from streamsql.batch_mode.report import render_comparison
    from streamsql.batch_mode.shake import shake
    from streamsql.plan.traits import traits

    query = Query(engine, plan)
    found = query.compare()
    click.echo(render_comparison(found))
    if not sizes:
        return found.exit_code

    def run(batch_rows: int) -> pa.Table:
        settings = replace(engine.job_settings, batch_rows=batch_rows)
        return Query(replace(engine, job_settings=settings), plan).to_arrow()

    shaken = shake(run, query.to_arrow(), sizes, ordered=traits(plan).append_only)
    for each in shaken:
        click.echo(each.text)
    if not shaken:
        click.echo(f"the same at batch sizes {', '.join(f'{each:,}' for each in sizes)}")
    return 1 if shaken else found.exit_code


def _fill_memory(session: Session, plans: Sequence[SinkPlan]) -> None:
    engine = session.engine()
    kept = [each for each in plans if each.table.connector is None]
    if kept:
        outputs = [
            SinkOutput(session.tables.open_sink(each.table, overwrite=each.overwrite), changelog=True) for each in kept
        ]
        engine.run(engine.job([engine.optimized(each) for each in kept], outputs))


def _sizes(text: str | None) -> tuple[int, ...]:
    parts = [each.strip() for each in text.split(",")] if text else []
    for each in parts:
        if not each.isdecimal() or int(each) < 1:
            raise UsageError(f"--batch-sizes {text}: {each!r} is no step size", hint="write --batch-sizes 1,7,4096")
    return tuple(int(each) for each in parts)
