"""How a refusal looks."""

from typing import NotRequired

from typing_extensions import TypedDict


class Fault(TypedDict):
    """One thing that is wrong: where (RFC 6901), what to do, what would be right, and what was seen."""

    pointer: str
    detail: str
    expected: NotRequired[str]
    received: NotRequired[str]


class Told(TypedDict):
    """A problem in a batch: what does not depend on the request as a whole."""

    type: str
    title: str
    status: int
    detail: str
    errors: NotRequired[list[Fault]]


class Problem(Told):
    """Problem details (RFC 9457). `type` never changes; docs/problems.md has a section for each."""

    instance: str
    traceId: str
