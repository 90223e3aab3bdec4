"""Spread: how long things took, counted in fixed classes, so that counts of parts add up to those of the whole."""

from collections import Counter
from collections.abc import Mapping

BOUNDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400)
"""The upper ends of the classes, in seconds. They are part of what is stored: another one may come in, none may change."""
MORE = "more"
"""The class of what took longer than the last."""
_NAMES = {f"{bound:g}": bound for bound in BOUNDS}


def class_of(seconds: float) -> str:
    """The class that a time falls into, by its upper end. Clocks differ: one below zero took no time."""
    return next((name for name, bound in _NAMES.items() if seconds <= bound), MORE)


def by_bound(counts: Mapping[str, int]) -> dict[str, int]:
    """Of each class how many took that long, the quickest first; those with none are left out."""
    known = {name: counts[name] for name in _NAMES if counts.get(name)}
    beyond = sum(count for name, count in counts.items() if name not in _NAMES)
    return {**known, **({MORE: beyond} if beyond else {})}


def estimate(counts: Mapping[str, int], share: float) -> float | None:
    """About how many seconds a share (0 to 1) of all took at most, as if they lay evenly within each class.

    None where nothing was counted. What took longer than the last bound is told as that bound: at least so long.
    """
    ordered = by_bound(counts)
    left = Counter(ordered).total() * share
    low = 0.0
    for name, count in ordered.items():
        high = _NAMES.get(name, float(BOUNDS[-1]))
        low = max((bound for bound in BOUNDS if bound < high), default=0.0) if name in _NAMES else high
        if left <= count:
            return min(low + (high - low) * left / count, high)
        left -= count
    return low if ordered else None
