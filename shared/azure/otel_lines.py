"""Lines as log records of OpenTelemetry, their fields as attributes. Only what `shared.logs` says comes this way."""

import logging
import time
from collections.abc import Callable

from opentelemetry._logs import Logger, LogRecord, SeverityNumber

from shared import trace
from shared.azure.otel_spans import NOWHERE, context_of
from shared.logs import Said
from shared.trace import Trace

_SEVERITY = {
    logging.DEBUG: SeverityNumber.DEBUG,
    logging.INFO: SeverityNumber.INFO,
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
}


class LineHandler(logging.Handler):
    """Passes lines on. A record whose text somebody else wrote is not passed on: what is in it nobody knows.

    `kept` says which traces are: a line of what went well is passed on with its trace only. Whatever has a reason always is.
    """

    def __init__(self, logger: Logger, kept: Callable[[Trace | None], bool]) -> None:
        super().__init__()
        self._logger, self._kept = logger, kept

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises, and never waits."""
        if not isinstance(record.msg, Said):
            return
        fields = record.msg.fields
        here, told = trace.current(), fields.get("traceId")
        if here and isinstance(told, str):
            # One that is about a single event belongs to the event's trace.
            here = Trace(told, here.span)
        if record.levelno < logging.WARNING and "reason" not in fields and here and not self._kept(here):
            return
        self._logger.emit(
            LogRecord(
                timestamp=time.time_ns(),
                severity_number=_SEVERITY.get(record.levelno, SeverityNumber.INFO),
                severity_text=record.levelname,
                body=f"{fields['step']} {fields.get('what') or fields.get('outcome') or ''}".strip(),
                attributes={name: value for name, value in fields.items() if value is not None},
                context=context_of(here) if here else NOWHERE,
            )
        )
