"""What the storm bends: every door with its fixtures, and every fixture of a webhook."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared import exact
from tests.sources.cases import CASES

FIXTURES = Path(__file__).parents[1] / "fixtures"


@dataclass(frozen=True, slots=True)
class Seed:
    """A request that a door understands. `kind` is the vendor that signs it, or None."""

    method: str
    template: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str | None = None


def seeds(document: Mapping[str, Any]) -> list[Seed]:
    """Every operation of the served description with each of its fixtures, and every source's fixtures.

    What deletes comes last, or others would find nothing.
    """
    doors = sorted(_of_doors(document), key=lambda one: one.method == "DELETE")
    return [*doors, *_of_sources()]


def bodies() -> list[bytes]:
    """Every fixture there is, to be sent where it does not belong."""
    return [_compact(path) for path in sorted(FIXTURES.rglob("*.json"))]


def _of_doors(document: Mapping[str, Any]) -> Iterator[Seed]:
    for template, item in document["paths"].items():
        for method, operation in item.items():
            cases = sorted((FIXTURES / "api" / operation["operationId"]).glob("*.json"))
            for body in map(_compact, cases) if cases else [b""]:
                yield Seed(method.upper(), template, body)


def _of_sources() -> Iterator[Seed]:
    for name, case in CASES.items():
        headers, kind = case["headers"], name.partition("/")[0]
        yield Seed(case.get("method", "POST"), "/v1/hooks/{source}", case["body"].encode(), headers, kind)


def _compact(path: Path) -> bytes:
    return exact.dumps(exact.loads(path.read_bytes())).encode()
