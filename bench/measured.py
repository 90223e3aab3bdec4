"""What `make bench` has measured, read from the tables of docs/performance.md: CPU by how large the groups were."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs/performance.md"
ROW = re.compile(r"^\| (\d+) \| grouped \| [\d.]+ \| [\d.]+ \| [\d.]+ \| ([\d.]+) \|", re.MULTILINE)
WAY = re.compile(r"^\| (door|end_to_end) \| (\d+) \| ([\d.]+) \|", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Cpu:
    """Milliseconds an event: `each` for the event, and a share of `commit`, which a group has in common."""

    each: float
    commit: float

    def of(self, group: float) -> float:
        """An event's, in groups of that size."""
        return self.each + self.commit / group


@dataclass(frozen=True, slots=True)
class Measured:
    """CPU of the door alone, and of the whole way to one destination."""

    door: Cpu
    whole: Cpu


def measured(text: str | None = None) -> Measured:
    """Read it. A group's size is one over the messages an event, at the same number of callers."""
    told = PAGE.read_text() if text is None else text
    groups = {callers: 1 / float(messages) for callers, messages in ROW.findall(told)}
    points: dict[str, list[tuple[float, float]]] = {"door": [], "end_to_end": []}
    for name, callers, cpu in WAY.findall(told):
        points[name].append((groups[callers], float(cpu)))
    return Measured(fitted(points["door"]), fitted(points["end_to_end"]))


def fitted(points: Sequence[tuple[float, float]]) -> Cpu:
    """The least squares of cpu = each + commit / group. Needs two groups of different sizes."""
    inverse = [(1 / group, cpu) for group, cpu in points]
    mean_x = sum(x for x, _ in inverse) / len(inverse)
    mean_y = sum(y for _, y in inverse) / len(inverse)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in inverse) / sum((x - mean_x) ** 2 for x, _ in inverse)
    return Cpu(mean_y - slope * mean_x, slope)
