"""Six-field NCRONTAB schedules: `second minute hour day-of-month month day-of-week`, in UTC.

A field is a comma-separated list of `*`, `n`, `a-b`, and any of them with `/step` (`n/step` runs to the end).
Day of week: 0 to 6, Sunday first. Day of month and day of week must both match, as in NCrontab.
Not supported: names of months and days, five fields, and intervals (`hh:mm:ss`).
https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

_LIMITS: Final = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
# The longest wait that a schedule can ask for: 29 February on a given weekday, across 2100.
_LONGEST_DAYS: Final = 366 * 41


@dataclass(frozen=True, slots=True)
class Schedule:
    """The values that each field allows, in ascending order."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    def following(self, after: datetime) -> datetime:
        """The first time later than `after`. Raises ValueError when there is none (31 February)."""
        moment = after.replace(microsecond=0) + timedelta(seconds=1)
        for _ in range(_LONGEST_DAYS):
            found = self._first_time(moment.time()) if self._takes_day(moment) else None
            if found is not None:
                return datetime.combine(moment.date(), found, moment.tzinfo)
            moment = datetime.combine(moment.date() + timedelta(days=1), time(), moment.tzinfo)
        raise ValueError("this schedule never comes")

    def _takes_day(self, day: datetime) -> bool:
        weekday = day.isoweekday() % 7
        return day.month in self.months and day.day in self.days and weekday in self.weekdays

    def _first_time(self, floor: time) -> time | None:
        times = (
            time(hour, minute, second)
            for hour in self.hours
            if hour >= floor.hour
            for minute in self.minutes
            if (hour, minute) >= (floor.hour, floor.minute)
            for second in self.seconds
            if time(hour, minute, second) >= floor
        )
        return next(times, None)


def parse(text: str) -> Schedule:
    """Raises ValueError for anything but six fields of the supported forms."""
    fields = text.split()
    if len(fields) != len(_LIMITS):
        raise ValueError(f"a schedule has six fields, seconds first: {text!r}")
    return Schedule(*(_values(field, *limits) for field, limits in zip(fields, _LIMITS, strict=True)))


def _values(field: str, low: int, high: int) -> tuple[int, ...]:
    found = {value for item in field.split(",") for value in _item(item, low, high)}
    return tuple(sorted(found))


def _item(item: str, low: int, high: int) -> range:
    span, _, step = item.partition("/")
    if span == "*":
        first, last = low, high
    else:
        start, _, end = span.partition("-")
        first = _number(start)
        last = _number(end) if end else (high if step else first)
    size = _number(step) if step else 1
    if not (low <= first <= last <= high) or size < 1:
        raise ValueError(f"{item!r} is outside {low}-{high}")
    return range(first, last + 1, size)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{text!r} is not a number")
    return int(text)
