"""Requests for the storm: fixtures bent by a numbered seed, and what schemathesis makes of the served description."""

import random
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode, openapi
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from shared.sources import Received
from tests.fuzz import dress
from tests.fuzz.bend import bent
from tests.fuzz.scene import Scene, signed
from tests.fuzz.seeds import Seed, bodies, seeds
from tests.fuzz.wire import Request

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OURS = frozenset({"Content-Length", "Connection"})
LARGE = (2 * 1024 * 1024 + 1, 4 * 1024 * 1024 + 1)
"""More than the app takes, and more than the host takes."""


class Bent:
    """Fixtures bent: request number n of a seed is always bent the same way."""

    def __init__(self, document: Mapping[str, Any], scene: Scene, base_url: str, number: int) -> None:
        self._seeds, self._bodies = seeds(document), bodies()
        # What reads a body can be bent in more ways than what lists or ticks, which also costs the stack more.
        self._weights = [3 if one.kind else 8 if one.body else 1 for one in self._seeds]
        self._scene, self._base, self._number = scene, base_url, number

    def plain(self) -> Iterator[tuple[Seed, Request]]:
        """Every seed as it is."""
        for one in self._seeds:
            target = dress.filled(one.template, self._scene.places)
            caller = self._caller(one, "deployment")
            yield one, self._written(random.Random(0), one, target, one.body, caller, sign=True)

    def request(self, n: int) -> Request:
        rng = random.Random(f"{self._number}/{n}")
        one = rng.choices(self._seeds, self._weights)[0]
        body = rng.choice(self._bodies) if rng.random() < 0.05 else one.body
        body = bent(rng, body, self._bodies)
        if rng.random() < 0.0005:
            body = b" " * rng.choice(LARGE)
        headers = dict(self._caller(one, rng.choices(("section", "deployment", "nobody"), (70, 22, 8))[0]))
        if rng.random() < 0.04:
            body, headers = dress.packed(rng, body), {**headers, "content-encoding": "gzip"}
        target = dress.target(rng, one.template, self._scene.places)
        request = self._written(rng, one, target, body, headers, sign=rng.random() < 0.85)
        if rng.random() < 0.03:
            request.method = rng.choice(dress.METHODS)
        if rng.random() < 0.25:
            request.headers = dress.with_hostile_headers(rng, request.headers)
        if rng.random() < 0.02:
            dress.with_lying_length(rng, request)
        return request

    def _caller(self, one: Seed, name: str) -> Mapping[str, str]:
        return {} if one.kind else self._scene.callers[name]

    def _written(
        self,
        rng: random.Random,
        one: Seed,
        target: str,
        body: bytes,
        caller: Mapping[str, str],
        *,
        sign: bool,
    ) -> Request:
        headers = {"content-type": "application/json", **one.headers, **caller}
        if one.kind:
            headers = {name: _fresh(rng, value) for name, value in headers.items()}
            target = rng.choice(self._scene.hooks[one.kind])
        if one.kind and sign:
            received = Received("POST", self._base + target, headers, body)
            headers = dict(signed(one.kind, received).headers)
        named = [(name.encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        return Request(one.method.encode(), target.encode(), named, body)


def _fresh(rng: random.Random, value: str) -> str:
    """An id of a delivery that has not been seen before, mostly."""
    return _UUID.sub(lambda _: str(UUID(int=rng.getrandbits(128))), value) if rng.random() < 0.9 else value


def described(document: dict[str, Any], scene: Scene, number: int, examples: int) -> Iterator[Request]:
    """What schemathesis makes of each operation, data that fits and data that does not, by every caller."""
    rng = random.Random(number)
    for result in openapi.from_dict(document).get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        for mode in GenerationMode:
            for case in _cases(operation, mode, number, examples):
                yield from _asked(rng, case, scene)


def _cases(
    operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, number: int, examples: int
) -> list[Case[Any]]:
    found: list[Case[Any]] = []

    @seed(number)
    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(mode))
    def collect(case: Case[Any]) -> None:
        found.append(case)

    # A door that takes nothing has nothing that could be wrong.
    with suppress(Unsatisfiable):
        collect()
    return found


def _asked(rng: random.Random, case: Case[Any], scene: Scene) -> Iterator[Request]:
    """One case by every caller, half of the time about something that is there."""
    prepared = requests.Request(**case.as_transport_kwargs("http://storm")).prepare()
    path, mark, query = str(prepared.path_url).partition("?")
    if rng.random() < 0.5:
        path = dress.filled(case.operation.path, scene.places)
    body = prepared.body or b""
    raw = body if isinstance(body, bytes) else str(body).encode()
    for caller in scene.callers.values():
        headers = {**prepared.headers, **caller}
        named = [(_encoded(name), _encoded(value)) for name, value in headers.items() if name not in _OURS]
        yield Request(case.method.encode(), f"{path}{mark}{query}".encode(), named, raw)


def _encoded(text: Any) -> bytes:
    return text if isinstance(text, bytes) else str(text).encode("latin-1", "replace")
