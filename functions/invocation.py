"""What the host says of a call, beside its data: the trace that it belongs to, which the host began or the caller."""

import azure.functions as func

from shared import trace
from shared.trace import Trace


def trace_of(context: func.Context) -> Trace:
    """The host's own span of this call, in the trace that a caller's `traceparent` named; a new trace where it has none."""
    given: str | None = context.trace_context.trace_parent
    return trace.of_header(given) or Trace.new()
