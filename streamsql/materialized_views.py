"""The materialised views of a session: kept in step with what is written, under one lock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from streamsql.plan.logical import Table

if TYPE_CHECKING:
    from streamsql.materialized import MaterializedView


def view_of(table: Table) -> MaterializedView | None:
    """The materialised view that a table is, or is read through; None where it is none."""
    if table.data is None:
        return None
    from streamsql.materialized import MaterializedView

    return table.data if isinstance(table.data, MaterializedView) else None


class MaterializedViews:
    """The materialised views of a session, in the order in which they were made: each reads only earlier ones.

    Whoever writes does it `together`, whoever reads does it while `reading`: no one sees one table ahead of another.
    """

    def __init__(self) -> None:
        self._turn = threading.RLock()
        self._views: list[MaterializedView] = []
        self._writing = 0
        self._refreshing = False

    @contextmanager
    def together(self) -> Iterator[None]:
        """Within, tables are written; at the end of the outermost one the views follow."""
        with self._turn:
            self._writing += 1
            try:
                yield
            finally:
                self._writing -= 1
                if not self._writing:
                    self._refresh()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Within, all tables and views show the same prefix of what was written."""
        with self._turn:
            self._refresh()
            yield

    def add(self, view: MaterializedView) -> None:
        """Keep a view up to date from now on; it must be as of now, which it is where it was made while `reading`."""
        self._views.append(view)

    def remove(self, view: MaterializedView) -> None:
        """Keep a view no longer; who follows it comes to an end."""
        with self._turn:
            if view in self._views:
                self._views.remove(view)
                view.close()
                self._refresh()

    def _refresh(self) -> None:
        """Catch all views up; not while one is being caught up, by whose functions whatever may be called."""
        if self._refreshing:
            return
        self._refreshing = True
        try:
            for each in self._views:
                each.refresh()
        finally:
            self._refreshing = False
