"""What stands in the place of telemetry where nobody wants any."""

from collections.abc import Mapping, Sequence

from shared.logs import Value
from shared.metrics import Metric
from shared.ports import SpanKind
from shared.trace import Trace


class NoMeter:
    """Takes no notice."""

    def count(self, metric: Metric, amount: float = 1, /, **of: str) -> None:
        """Nothing."""

    def gauge(self, metric: Metric, value: float, /, **of: str) -> None:
        """Nothing."""

    def record(self, metric: Metric, value: float, /, **of: str) -> None:
        """Nothing."""


class NoSpan:
    """Knows its place in the trace, which lines and receipts name all the same."""

    __slots__ = ("trace",)

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def end(self, fields: Mapping[str, Value], *, failed: bool = False) -> None:
        """Nothing."""


class NoSpans:
    """Gives places in traces, and keeps nothing."""

    def wants(self, trace: Trace | None) -> bool:  # noqa: ARG002  (the port's form)
        """Nobody does."""
        return False

    def start(
        self,
        name: str,  # noqa: ARG002
        kind: SpanKind,  # noqa: ARG002
        parent: Trace | None = None,
        links: Sequence[Trace] = (),  # noqa: ARG002
        *,
        at: int | None = None,  # noqa: ARG002
    ) -> NoSpan:
        """The next place in the trace of the parent, or the first of a new one."""
        return NoSpan(parent.child() if parent else Trace.new())


NO_METER, NO_SPANS = NoMeter(), NoSpans()
