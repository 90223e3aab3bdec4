"""docs/limits.md names the constant of every limit and says the number that it has."""

import re
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import Annotated, get_args, get_origin

import pytest

ROOT = Path(__file__).parents[1]
LIMITS = {
    name: text
    for text, name in re.findall(r"\| ([^|]+) \| `(shared[.\w]+)` \|", (ROOT / "docs/limits.md").read_text())
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_what_the_code_says(name):
    text, wanted = LIMITS[name], numbers(limit(name))

    assert wanted
    assert [one for one in wanted if not re.search(rf"(?<![\d,.]){re.escape(one)}(?!\d|,\d)", text)] == []


def test_no_limit_is_left_out():
    assert sorted(set(limits_in_code()) - LIMITS.keys()) == []


def limits_in_code() -> Iterator[str]:
    """Every public constant that is a number, a time, or a row of times. A schema's number limits nothing."""
    for path in sorted((ROOT / "shared").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for name in re.findall(r"^([A-Z][A-Z_\d]*)\b.* = ", path.read_text(), re.MULTILINE):
            value = getattr(import_module(module), name, None)
            first = value[0] if isinstance(value, tuple) and value else value
            if isinstance(first, int | float | timedelta) and first is not True and name != "SCHEMA":
                yield f"{module}.{name}"


def limit(name: str):
    """The constant, type or member of a body that a name means."""
    owner, _, last = name.rpartition(".")
    found = resolve_name(owner)
    return getattr(found, "model_fields", {}).get(last) or getattr(found, last)


def numbers(of) -> list[str]:
    """How the numbers of a limit are written: a constant's, a row of waits', or the bounds of a type or a member."""
    match of:
        case timedelta():
            return [duration(of)]
        case tuple():
            return [number for one in of for number in numbers(one)]
        case int() | float():
            return [f"{of:,g}" if abs(of) < 10**6 else f"{of:,}"]
    bounds = [
        getattr(rule, name, None) for rule in rules(of) for name in ("ge", "le", "min_length", "max_length")
    ]
    default = getattr(of, "default", None)
    return numbers(tuple(one for one in [*bounds, default] if isinstance(one, int) and one))


def duration(time: timedelta) -> str:
    units = {
        "day": timedelta(days=1),
        "h": timedelta(hours=1),
        "min": timedelta(minutes=1),
        "s": timedelta(seconds=1),
        "ms": timedelta(milliseconds=1),
    }
    unit, one = next((unit, one) for unit, one in units.items() if not time % one and (time or unit == "s"))
    return f"{time // one} {unit}"


def rules(of) -> Iterator[object]:
    """What pydantic holds a type or a member to; where it may be one of several types, each of them."""
    for rule in (*getattr(of, "metadata", ()), *getattr(of, "__metadata__", ())):
        yield rule
        yield from getattr(rule, "metadata", ())
    for side in get_args(getattr(of, "annotation", None)):
        if get_origin(side) is Annotated:
            yield from rules(side)
