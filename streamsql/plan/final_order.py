"""The order of updated rows where nothing else orders them: by a unique key if there is one, else by all columns."""

from __future__ import annotations

from streamsql.plan.logical import Plan
from streamsql.plan.traits import traits


def final_order(plan: Plan) -> tuple[int, ...] | None:
    """Positions of the columns that order an updating plan's rows; None for an append-only plan: as they arrive."""
    found = traits(plan)
    if found.append_only:
        return None
    ids = [each.id for each in plan.fields]
    keys = [key for key in found.unique_keys if key and key <= set(ids)]
    return tuple(sorted(ids.index(each) for each in keys[0])) if keys else tuple(range(len(ids)))
