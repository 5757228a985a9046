"""Rows that a source takes back are checked where they are read, unless whatever keeps them further on does it."""

from __future__ import annotations

from dataclasses import replace

from streamsql.plan.logical import Filter, Plan, Project, Scan, SinkPlan, Union, Unnest, WindowAssign
from streamsql.plan.tree import with_inputs

_KEEP_NOTHING = (Filter, Project, Unnest, Union, WindowAssign, SinkPlan)


def checked_changes(plan: Plan) -> Plan:
    """Mark the scans of changes without a key whose rows reach the result through nodes that keep none of them."""
    if isinstance(plan, Scan):
        table = plan.table
        exact = table.by_key or table.connector is None
        return plan if exact or not table.updating else replace(plan, checked=True)
    if not isinstance(plan, _KEEP_NOTHING):
        return plan
    return with_inputs(plan, tuple(map(checked_changes, plan.inputs)))
