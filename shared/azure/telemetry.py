"""Telemetry by OpenTelemetry: measures, spans and lines to Application Insights, or to a terminal in the same form.

The providers are our own and no global ones, and nothing instruments anything by itself: so what leaves the app is only
what the line says, from the closed lists of `shared.logs` and `shared.metrics`, and no SDK adds a URL to it.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, Self

from azure.core.credentials import TokenCredential
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import Sampler, TraceIdRatioBased

from shared.azure.otel_lines import LineHandler
from shared.azure.otel_meter import OtelMeter, views
from shared.azure.otel_spans import OtelSpans

NAME = "signalbox"
EVERY_SECONDS = 60.0
"""How often measures are sent. Spans and lines go as they gather, every five seconds at most."""
_QUIET = {
    # What the exporter would tell of itself, Microsoft and us, and the settings that it would fetch there and obey.
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL": "true",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED": "true",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED": "true",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED": "true",
}


@dataclass(frozen=True, slots=True)
class Exporters:
    """Where telemetry goes, and which traces do."""

    spans: SpanExporter
    metrics: MetricExporter
    lines: LogRecordExporter | None
    """None where lines are shown anyhow."""
    sampler: Sampler


class Telemetry:
    """Everything that says what happens, to one place. One for the whole process."""

    def __init__(self, to: Exporters, every_seconds: float = EVERY_SECONDS) -> None:
        resource = Resource({"service.name": NAME, "service.instance.id": _instance()})
        reader = PeriodicExportingMetricReader(to.metrics, every_seconds * 1000)
        self._metrics = MeterProvider([reader], resource, views=views())
        self._traces = TracerProvider(to.sampler, resource)
        self._traces.add_span_processor(BatchSpanProcessor(to.spans))
        self.meter = OtelMeter(self._metrics.get_meter(NAME))
        self.spans = OtelSpans(self._traces.get_tracer(NAME), to.sampler)
        self._lines = LoggerProvider(resource) if to.lines else None
        if self._lines and to.lines:
            self._lines.add_log_record_processor(BatchLogRecordProcessor(to.lines))
            logging.getLogger(NAME).addHandler(LineHandler(self._lines.get_logger(NAME), self.spans.wants))

    def close(self) -> None:
        """Send what waits. The process does so by itself when it ends in order."""
        self._metrics.shutdown()
        self._traces.shutdown()
        if self._lines:
            self._lines.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def to_azure(connection: str, credential: TokenCredential | None, ratio: float) -> Exporters:
    """To Application Insights, as the app's managed identity: the component takes no key (`disableLocalAuth`).

    Nothing is kept on the instance's disk when it cannot be sent. `ratio`: of the traces, 0 to 1; what is kept says so, so
    that counts over `itemCount` are right.
    """
    os.environ.update({name: value for name, value in _QUIET.items() if name not in os.environ})
    from azure.monitor.opentelemetry import exporter  # noqa: PLC0415  (0.3 s, and the lines above come first)

    options: dict[str, Any] = {
        "connection_string": connection,
        "credential": credential,
        "disable_offline_storage": True,
    }
    return Exporters(
        exporter.AzureMonitorTraceExporter(**options),
        exporter.AzureMonitorMetricExporter(**options),
        exporter.AzureMonitorLogExporter(**options),
        exporter.ApplicationInsightsSampler(ratio),
    )


def to_terminal(out: IO[str], ratio: float) -> Exporters:
    """One line of JSON for each span, and for all measures of a minute; lines are there already."""
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415

    return Exporters(
        ConsoleSpanExporter(out=out, formatter=lambda span: f"SPAN {span.to_json(indent=None)}\n"),
        ConsoleMetricExporter(out=out, formatter=lambda data: f"METRICS {data.to_json(indent=None)}\n"),
        None,
        TraceIdRatioBased(ratio),
    )


def _instance(environment: Mapping[str, str] = os.environ) -> str:
    """Which instance it is: https://learn.microsoft.com/azure/app-service/reference-app-settings names it."""
    return environment.get("WEBSITE_INSTANCE_ID") or environment.get("CONTAINER_NAME") or str(os.getpid())
