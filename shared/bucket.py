"""A token bucket: how much of a quota is left. It is full at first and is refilled evenly."""

from dataclasses import dataclass, field
from math import inf

WINDOW_SECONDS = 60
"""Every quota is one a minute."""


@dataclass(slots=True)
class Bucket:
    """`quota` may be taken evenly over each window, and as much at once unless `at_once` says less.

    `at` is a steady clock's reading in seconds.
    """

    quota: int
    at: float
    at_once: float = inf
    left: float = field(init=False)

    def __post_init__(self) -> None:
        self.left = self._full

    def refill(self, now: float) -> None:
        """Put back what time has put back."""
        passed = max(now - self.at, 0.0)
        self.left = min(self.left + passed * self.quota / WINDOW_SECONDS, self._full)
        self.at = max(now, self.at)

    def take(self, amount: float) -> None:
        """Take something out, even what is not there, up to a window's worth of debt."""
        self.left = max(self.left - amount, -float(self.quota))

    def seconds_until(self, left: float) -> float:
        """How long until that much is left."""
        return max(left - self.left, 0.0) * WINDOW_SECONDS / self.quota

    @property
    def _full(self) -> float:
        return min(float(self.quota), self.at_once)
