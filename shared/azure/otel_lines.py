"""Lines as log records of OpenTelemetry, their fields as attributes. Only what `shared.logs` says comes this way."""

import logging
import time
from collections.abc import Callable

from opentelemetry._logs import Logger, LogRecord, SeverityNumber

from shared import trace
from shared.azure.otel_spans import NOWHERE, context_of
from shared.bucket import Bucket
from shared.logs import Said
from shared.trace import Trace

MOST_A_MINUTE = 120
"""Lines with a reason, and warnings, that an instance passes on though their trace is not kept; evenly, and as many at once."""
_SEVERITY = {
    logging.DEBUG: SeverityNumber.DEBUG,
    logging.INFO: SeverityNumber.INFO,
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
}


class LineHandler(logging.Handler):
    """Passes lines on. A record whose text somebody else wrote is not passed on: what is in it nobody knows.

    `kept` says which traces are: a line of what went well is passed on with its trace only. What has a reason, and a
    warning, is passed on without it too, but MOST_A_MINUTE of these: anybody can have requests refused, and could so use up
    what the workspace takes in a day. Errors always are.
    """

    def __init__(
        self,
        logger: Logger,
        kept: Callable[[Trace | None], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._logger, self._kept, self._monotonic = logger, kept, monotonic
        self._room = Bucket(MOST_A_MINUTE, monotonic())

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises, and never waits."""
        if not isinstance(record.msg, Said):
            return
        fields = record.msg.fields
        here, told = trace.current(), fields.get("traceId")
        if here and isinstance(told, str):
            # One that is about a single event belongs to the event's trace.
            here = Trace(told, here.span)
        if (
            here
            and not self._kept(here)
            and not self._goes_alone(record.levelno, has_reason="reason" in fields)
        ):
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

    def _goes_alone(self, level: int, *, has_reason: bool) -> bool:
        """Whether a line is passed on though its trace is not kept."""
        if level >= logging.ERROR:
            return True
        return (has_reason or level >= logging.WARNING) and self._has_room()

    def _has_room(self) -> bool:
        self._room.refill(self._monotonic())
        if self._room.left < 1:
            return False
        self._room.take(1)
        return True
