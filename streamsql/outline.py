"""What a script holds, known before any of it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from streamsql.errors import located
from streamsql.record import record
from streamsql.sql import dialect as d
from streamsql.sql.dialect import exp
from streamsql.sql.mentions import mentions
from streamsql.sql.parse import parse_script


@record
class ScriptOutline:
    """`queries`, `inserts`: how many SELECTs and INSERTs. `names`: of all tables and views that are mentioned.

    `mentioned`: how often each is, in statements other than CREATE TABLE.
    """

    queries: int
    inserts: int
    names: frozenset[str]
    mentioned: Mapping[str, int]


def outline(text: str, name: str) -> ScriptOutline:
    """The outline of a script; SqlError, showing text and name, where it is not SQL."""
    with located(text, name):
        trees = [each.tree for each in parse_script(text)]
    read = [each for each in trees if not isinstance(each, d.CreateTable) or _fills(each)]
    return ScriptOutline(
        queries=sum(isinstance(each, exp.Query) for each in trees),
        inserts=sum(len(list(each.find_all(d.InsertInto))) + _fills(each) for each in trees),
        names=frozenset(found for each in trees for found in mentions(each)),
        mentioned=Counter(found for each in read for found in mentions(each)),
    )


def _fills(tree: exp.Expression) -> bool:
    """Whether a statement is CREATE TABLE … AS."""
    return isinstance(tree, d.CreateTable) and tree.args.get("query") is not None
