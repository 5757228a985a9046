"""What to say before a run without end begins: which of its operators keep more and more."""

from __future__ import annotations

from collections.abc import Iterator

from streamsql.batch_job import BatchJob
from streamsql.plan.trait_values import UNBOUNDED
from streamsql.plan.traits import traits
from streamsql.runtime.job import Job


def growing_states(job: Job | BatchJob) -> Iterator[str]:
    """One line for each operator whose state nothing bounds, where the job has no end."""
    if job.bounded or isinstance(job, BatchJob):
        return
    for node in job.nodes:
        bound = None if node.operator is None else traits(node.plan).state_bound
        if bound is not None and UNBOUNDED in bound:
            kept = bound.removeprefix(UNBOUNDED).strip(" ()") or "all rows"
            yield f"warning: {node.name} keeps {kept} for as long as the query runs (EXPLAIN: state {UNBOUNDED})"
