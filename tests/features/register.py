"""The register of demands (`rows.toml`), and the page that says which of them a test shows."""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
MOST_CASES = 3
"""Cases of one test that are named."""
PAGE = HERE.parents[1] / "docs/features.md"
HEAD = """# Features

Which of the project's demands Signalbox meets today. This page is generated from the marks on the tests
(`python -m tests.features.page`) and held to them by a test, so it says what is shown and no more.

**Shown** means that the tests named beside a demand drive the running app (Azurite, the queue and the Functions host), and
run whenever CI runs: one of them that is skipped fails it. **Waits** means that a part has to be there first that is not
built yet. **Not yet** says what is missing; half of a demand is not claimed. A demand that is not listed has not been begun.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One demand in a few words. `waits` names the part that comes first, `lacks` what is missing; shown has neither."""

    id: str
    area: str
    demand: str
    waits: str | None = None
    lacks: str | None = None

    @property
    def claimed(self) -> bool:
        return self.waits is None and self.lacks is None


Marked = Mapping[str, Collection[str]]
"""By row, the tests that show it, `tests/x/test_y.py::test_z`, or only some of its cases, `...::test_z[case]`."""


def rows() -> dict[str, Row]:
    """The register, by id."""
    doc = tomllib.loads((HERE / "rows.toml").read_text())
    found = [Row(id, area, **row) for area, listed in doc.items() for id, row in listed.items()]
    return {row.id: row for row in found}


def faults(register: Mapping[str, Row], marked: Marked) -> Iterator[str]:
    """What is wrong with marks, whichever tests they are on."""
    for id in marked:
        if id not in register:
            yield f"{id} is marked and not in the register"
        elif not register[id].claimed:
            yield f"{id} is marked, and the register says that it is not there yet"


def unshown(register: Mapping[str, Row], marked: Marked) -> list[str]:
    """Rows that are claimed and that no test shows."""
    return [id for id, row in register.items() if row.claimed and not marked.get(id)]


def page(register: Mapping[str, Row], marked: Marked) -> str:
    """The page: a table an area."""
    states = [row.claimed for row in register.values()]
    waiting = sum(row.waits is not None for row in register.values())
    parts = [
        HEAD,
        f"{sum(states)} are shown, {waiting} wait, {len(states) - sum(states) - waiting} are not there yet.\n",
    ]
    for area in dict.fromkeys(row.area for row in register.values()):
        listed = [row for row in register.values() if row.area == area]
        parts.append(f"\n## {area}\n\n| Row | Demand | State |\n|---|---|---|\n")
        parts += [f"| {row.id} | {row.demand} | {_state(row, marked.get(row.id, ()))} |\n" for row in listed]
    return "".join(parts)


def _state(row: Row, tests: Collection[str]) -> str:
    if row.waits:
        return f"waits for {row.waits}"
    return f"not yet: {row.lacks}" if row.lacks else f"**shown** by {', '.join(_links(tests))}"


def _links(tests: Collection[str]) -> Iterator[str]:
    """Each test once, with its cases where only some of them count."""
    cases: dict[str, list[str]] = {}
    for test, _, case in (one.partition("[") for one in sorted(tests)):
        cases.setdefault(test, []).extend([f"`{case[:-1]}`"] if case else [])
    for test, named in cases.items():
        path, _, name = test.partition("::")
        some = ", ".join(named) if len(named) <= MOST_CASES else f"{len(named)} of its cases"
        yield f"[`{name}`](../{path})" + f" ({some})" * bool(named)
