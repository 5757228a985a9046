"""SHOW … LIKE: the lists of a script, cut down to some names."""

from __future__ import annotations

import streamsql
from streamsql.show import matching, show
from streamsql.sql.statements import Show


def _shown(statement: str) -> list[str]:
    with streamsql.connect() as session:
        session.sql("CREATE TABLE bids (id INT, ident STRING, x INT); CREATE TABLE asks (a INT)")
        (found,) = session.statements(statement)
        assert isinstance(found, Show)
        return matching(show(session.tables, found.kind, found.name), found).splitlines()


def test_tables_like_and_not_like() -> None:
    assert _shown("SHOW TABLES LIKE 'b%'") == ["bids"]
    assert _shown("SHOW TABLES NOT LIKE '_ids'") == ["asks"]
    assert _shown("SHOW TABLES") == ["asks", "bids"]


def test_columns_go_by_their_names_alone() -> None:
    assert _shown("SHOW COLUMNS FROM bids LIKE 'id%'") == ["id     INT", "ident  STRING"]
    assert _shown("SHOW COLUMNS FROM bids LIKE '%INT%'") == []


def test_functions_like() -> None:
    assert _shown("SHOW FUNCTIONS LIKE 'REGEXP_S%'") == ["REGEXP_SUBSTR"]
