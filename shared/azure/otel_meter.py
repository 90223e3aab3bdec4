"""Measures as OpenTelemetry has them: an instrument for each metric of the closed list, made when it is first needed."""

from collections.abc import Sequence
from functools import partial

from opentelemetry.metrics import CallbackOptions, Counter, Histogram, Meter, Observation
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View

from shared.metrics import METRICS, Metric

Told = tuple[tuple[str, str], ...]
"""The attributes of a value."""


class OtelMeter:
    """The `Meter` port."""

    def __init__(self, meter: Meter) -> None:
        self._sums: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        self._meter = meter
        self._told: dict[str, dict[Told, float]] = {one.name: {} for one in METRICS if one.kind == "gauge"}
        for one in METRICS:
            if one.kind == "gauge":
                meter.create_observable_gauge(
                    one.name, [partial(self._observed, one.name)], one.unit, one.what
                )

    def count(self, metric: Metric, amount: float = 1, /, **of: str) -> None:
        """Add to a sum."""
        found = self._sums.get(metric.name)
        if found is None:
            found = self._sums[metric.name] = self._meter.create_counter(
                metric.name, metric.unit, metric.what
            )
        found.add(amount, metric.closed(of))

    def gauge(self, metric: Metric, value: float, /, **of: str) -> None:
        """Say how it stands now: that is sent once.

        A gauge of OpenTelemetry goes on telling its last value, and the instance that looked last may not look again.
        """
        self._told[metric.name][tuple(metric.closed(of).items())] = value

    def record(self, metric: Metric, value: float, /, **of: str) -> None:
        """Add one value to a histogram."""
        found = self._histograms.get(metric.name)
        if found is None:
            found = self._histograms[metric.name] = self._meter.create_histogram(
                metric.name, metric.unit, metric.what
            )
        found.record(value, metric.closed(of))

    def _observed(self, name: str, _: CallbackOptions) -> Sequence[Observation]:
        told, self._told[name] = self._told[name], {}
        return [Observation(value, dict(of)) for of, value in told.items()]


def views() -> Sequence[View]:
    """The edges of each histogram's buckets."""
    return [
        View(instrument_name=one.name, aggregation=ExplicitBucketHistogramAggregation(one.bounds))
        for one in METRICS
        if one.bounds
    ]
