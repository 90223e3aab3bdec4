"""Measures as OpenTelemetry has them: an instrument for each metric of the closed list, made when it is first needed."""

from collections.abc import Sequence

from opentelemetry.metrics import Counter, Histogram, Meter
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View

from shared.metrics import METRICS, Metric


class OtelMeter:
    """The `Meter` port."""

    def __init__(self, meter: Meter) -> None:
        self._sums: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        self._meter = meter
        self._gauges = {
            one.name: meter.create_gauge(one.name, one.unit, one.what)
            for one in METRICS
            if one.kind == "gauge"
        }

    def count(self, metric: Metric, amount: float = 1, /, **of: str) -> None:
        """Add to a sum."""
        found = self._sums.get(metric.name)
        if found is None:
            found = self._sums[metric.name] = self._meter.create_counter(
                metric.name, metric.unit, metric.what
            )
        found.add(amount, metric.closed(of))

    def gauge(self, metric: Metric, value: float, /, **of: str) -> None:
        """Say how it stands now."""
        self._gauges[metric.name].set(value, metric.closed(of))

    def record(self, metric: Metric, value: float, /, **of: str) -> None:
        """Add one value to a histogram."""
        found = self._histograms.get(metric.name)
        if found is None:
            found = self._histograms[metric.name] = self._meter.create_histogram(
                metric.name, metric.unit, metric.what
            )
        found.record(value, metric.closed(of))


def views() -> Sequence[View]:
    """The edges of each histogram's buckets."""
    return [
        View(instrument_name=one.name, aggregation=ExplicitBucketHistogramAggregation(one.bounds))
        for one in METRICS
        if one.bounds
    ]
