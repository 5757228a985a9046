"""The physical graph: each node of a plan with its operator, and equal sub-plans only once."""

from __future__ import annotations

from collections.abc import Sequence

from streamsql.expr.context import EvalContext
from streamsql.expr.functions_watermark import reads_watermark
from streamsql.operators.base import Operator
from streamsql.plan.arrival_numbers import Numbered, number_shared_sources
from streamsql.plan.identity import Identities
from streamsql.plan.logical import (
    Filter,
    Join,
    Limit,
    OverAggregate,
    Plan,
    Project,
    Rank,
    Scan,
    Session,
    SinkPlan,
    Sort,
    TimeAttribute,
    Union,
    Unnest,
    WindowAggregate,
    WindowAssign,
    WindowRank,
)
from streamsql.plan.lookup_join import LookupJoin
from streamsql.plan.operators import exact_changes, operator_of
from streamsql.plan.paired_joins import Reader, is_inner, reader_of_pairs
from streamsql.plan.row_orders import OverOrder, RankOrder
from streamsql.plan.sharing import share
from streamsql.plan.time_joins import IntervalJoin, ProcessingTimeJoin, TemporalJoin, WindowJoin
from streamsql.plan.traits import over_order, rank_order, traits
from streamsql.plan.tree import expressions, walk_plan
from streamsql.record import record


@record(eq=False)
class PhysicalNode:
    """A node of the graph.

    `name`: unique, as EXPLAIN has it. `plan`: the columns that its batches have, by `plan.fields`; those of a join may
    be others (see `paired_joins`). `operator`: None for Scan and Values, which the runtime reads (a Scan whose changes
    come by key, or are checked, has a second node, which knows what they take back). `needs_watermarks`: its batches
    must carry per-row watermarks.
    """

    name: str
    plan: Plan
    inputs: tuple[PhysicalNode, ...]
    operator: Operator | None
    needs_watermarks: bool


def lower(plans: Sequence[Plan], context: EvalContext, *, keep_time: bool = False) -> tuple[PhysicalNode, ...]:
    """The roots of the graph for optimised plans, one for each; sub-plans of the same structure share one node.

    `keep_time`: the rows of the results have their watermarks beside them.
    """
    return _Graph(share(plans), context.own()).roots(keep_time)


class _Graph:
    """The graph while it is being built."""

    def __init__(self, plans: Sequence[Plan], context: EvalContext) -> None:
        self._plans = plans
        self._context = context
        self._identities = Identities(plans)
        self._asked: set[int] = set()
        self._nodes: dict[int, PhysicalNode] = {}
        self._unions: dict[int, Union] = {}
        self._readers: dict[int, list[Reader | None]] = {}

    def roots(self, keep_time: bool) -> tuple[PhysicalNode, ...]:
        for plan in self._plans:
            self._ask(plan, asked=keep_time)
            self._read(plan, None)
        return tuple(self._root(index, plan) for index, plan in enumerate(self._plans))

    def _ask(self, plan: Plan, *, asked: bool) -> None:
        """Find out whose batches must carry watermarks."""
        if asked:
            self._asked.add(self._identities.key(plan))
        for each in self._computed(plan).inputs:
            self._ask(each, asked=_asks_input(plan, asked=asked))

    def _read(self, plan: Plan, reader: Reader | None) -> None:
        """Find out who reads each node; nobody (None) those whose rows are delivered."""
        readers = self._readers.setdefault(self._identities.key(plan), [])
        readers.append(reader)
        if len(readers) == 1:
            computed = self._computed(plan)
            for port, each in enumerate(computed.inputs):
                self._read(each, Reader(computed, port))

    def _computed(self, plan: Plan) -> Plan:
        """The node as it is computed: a union may need numbers on its branches, which the plan does not show."""
        if not isinstance(plan, Union):
            return plan
        key = self._identities.key(plan)
        if key not in self._unions:
            self._unions[key] = number_shared_sources(plan)
        return self._unions[key]

    def _root(self, index: int, plan: Plan) -> PhysicalNode:
        if not isinstance(plan, SinkPlan):
            return self._node(plan)
        # Two equal INSERTs write twice, so a sink is never shared.
        key, name = self._identities.key(plan), self._identities.name(plan)
        earlier = sum(self._identities.key(each) == key for each in self._plans[:index])
        return self._build(plan, f"{name} again {earlier}" if earlier else name)

    def _node(self, plan: Plan) -> PhysicalNode:
        key = self._identities.key(plan)
        if key not in self._nodes:
            self._nodes[key] = self._build(plan, self._identities.name(plan))
        return self._nodes[key]

    def _build(self, plan: Plan, name: str) -> PhysicalNode:
        asked = self._identities.key(plan) in self._asked
        if isinstance(plan, Scan) and (exact := exact_changes(plan)) is not None:
            changes = PhysicalNode(f"{name} changes", plan, (), None, asked)
            return PhysicalNode(name, plan, (changes,), exact, asked)
        computed = self._computed(plan)
        inputs = tuple(self._node(each) for each in computed.inputs)
        if isinstance(plan, Limit) and not traits(plan.input).append_only:
            inputs = (self._settled(plan.input, inputs[0], name),)
        return PhysicalNode(name, plan, inputs, self._operator(computed, inputs), asked)

    def _operator(self, plan: Plan, inputs: Sequence[PhysicalNode]) -> Operator | None:
        if not (isinstance(plan, Join) and is_inner(plan)):
            return operator_of(plan, self._context)
        from streamsql.plan.join_operators import inner_join

        below = [
            None if self._pairs_for(each) is None else node.operator
            for each, node in zip(plan.inputs, inputs, strict=True)
        ]
        return inner_join(plan, self._context, below, self._pairs_for(plan))

    def _pairs_for(self, plan: Plan) -> Reader | None:
        """Who reads the node's pairs of rows instead of the rows."""
        return reader_of_pairs(plan, self._readers[self._identities.key(plan)])

    def _settled(self, plan: Plan, node: PhysicalNode, name: str) -> PhysicalNode:
        """The rows that an updating input has left at its end, in their final order: only then are the first known."""
        sort = Sort(input=plan, keys=(), fields=plan.fields)
        return PhysicalNode(f"{name} input", sort, (node,), operator_of(sort, self._context), False)


def _asks_input(plan: Plan, *, asked: bool) -> bool:
    """Whether a node needs watermarks beside the rows of its input."""
    match plan:
        case WindowAggregate() | WindowRank():
            return plan.time.time is not TimeAttribute.PROCESSING
        case Rank():
            return rank_order(plan) is RankOrder.FIRST_BY_TIME
        case OverAggregate():
            return over_order(plan) is OverOrder.TIME or asked
        case WindowAssign(window=Session()):
            return plan.time.time is not TimeAttribute.PROCESSING
        case IntervalJoin():
            return not plan.by_clock
        case WindowJoin() | TemporalJoin():
            return True
        case Union():
            timed = (each for each in walk_plan(plan) if isinstance(each, Scan) and each.watermark is not None)
            return asked or next(timed, None) is not None
        case Filter() | Project():
            return asked or reads_watermark(expressions(plan)) is not None
        case Unnest() | WindowAssign() | Numbered() | ProcessingTimeJoin() | LookupJoin():
            return asked
        case _:
            return False
