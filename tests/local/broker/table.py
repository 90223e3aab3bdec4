"""The form of the table of what a Service Bus queue does: one case a row, each beside the page that says so."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tests.local.broker.bus import Bus

DOCS = "https://learn.microsoft.com/azure/service-bus-messaging/"


class Queues(NamedTuple):
    """`plain` has long locks and 10 deliveries, `brief` short locks and 3. A case leaves both empty."""

    plain: Bus
    brief: Bus


Run = Callable[[Queues], Awaitable[None]]


class Case(NamedTuple):
    page: str
    run: Run


class Table(list[Case]):
    def documented(self, page: str) -> Callable[[Run], Run]:
        """Add the decorated case, with the page under DOCS that it comes from."""

        def add(run: Run) -> Run:
            self.append(Case(DOCS + page, run))
            return run

        return add
