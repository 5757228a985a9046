"""Every function of the table is described, and its example gives what the description says."""

from __future__ import annotations

import pytest

from streamsql.expr.function_reference import Description, descriptions
from streamsql.expr.functions import FUNCTIONS
from streamsql.expr.functions_plan import is_plans_own
from streamsql.expr.rewrites import REWRITES
from streamsql.session import Session
from streamsql.time import ManualClock


def test_all_functions_are_described() -> None:
    assert set(descriptions()) == {each for each in (*FUNCTIONS, *REWRITES) if not is_plans_own(each)}


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(clock=ManualClock(1_748_859_630_456_000))


EXAMPLES = [each for each in descriptions().values() if each.example]


@pytest.mark.parametrize("description", EXAMPLES, ids=lambda each: each.name)
def test_example(description: Description, session: Session) -> None:
    query = session.sql(f"SELECT CAST({description.example} AS STRING) AS result")
    assert query is not None
    (value,) = query.to_arrow().column(0).to_pylist()
    assert ("NULL" if value is None else value) == description.result
