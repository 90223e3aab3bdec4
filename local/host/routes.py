"""Route templates of HTTP triggers, turned into patterns and tried in the host's order.

Templates follow ASP.NET Core routing: https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates
Supported: literals, `{id}`, `{id?}`, `{id:int}`, `{id:int?}`, `{*rest}`, several parts in a segment, and the
constraints of CONSTRAINTS. Matching ignores case and a trailing slash.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

Target = TypeVar("Target")

CONSTRAINTS: Final = {
    "int": r"-?[0-9]+",
    "long": r"-?[0-9]+",
    "bool": r"true|false",
    "alpha": r"[a-z]+",
    "guid": r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}",
}
_PARAMETER: Final = re.compile(
    r"\{(?P<all>\*{0,2})(?P<name>[A-Za-z_]\w*)(?::(?P<constraint>\w+))?(?P<optional>\?)?\}"
)
# Ranks of segments, best first, as WebJobsRouteBuilder.RouteComparison in azure-webjobs-sdk-extensions orders them.
_LITERAL, _CONSTRAINED, _FREE, _REST, _END = range(5)


@dataclass(frozen=True, slots=True)
class Route(Generic[Target]):
    """One HTTP function: what it answers to. No methods means every method."""

    template: str
    methods: frozenset[str]
    target: Target


@dataclass(frozen=True, slots=True)
class Found(Generic[Target]):
    target: Target
    params: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NotFound:
    """No route took the request; `allowed` holds the methods of routes that took its path."""

    allowed: frozenset[str]


class Routes(Generic[Target]):
    def __init__(self, routes: Iterable[Route[Target]]) -> None:
        """Raises ValueError for a template outside what the module supports."""
        ordered = sorted(routes, key=lambda route: precedence(route.template))
        self._routes = [(compile_template(route.template), route) for route in ordered]

    def find(self, method: str, path: str) -> Found[Target] | NotFound:
        """`path` is decoded, begins with a slash and has no query."""
        allowed: set[str] = set()
        for pattern, route in self._routes:
            match = pattern.fullmatch(path)
            if match and _accepts(route.methods, method):
                return Found(route.target, {name: text for name, text in match.groupdict().items() if text})
            if match:
                allowed |= route.methods
        return NotFound(frozenset(allowed))


def precedence(template: str) -> list[tuple[int, str]]:
    """A sort key: literals before parameters, constrained ones before free ones, longer before shorter."""
    return [*(_rank(segment) for segment in _segments(template)), (_END, "")]


def compile_template(template: str) -> re.Pattern[str]:
    text = "".join(_segment_pattern(segment) for segment in _segments(template))
    return re.compile(text + "/?", re.IGNORECASE | re.DOTALL)


def _accepts(methods: frozenset[str], method: str) -> bool:
    # A GET route answers HEAD too, as newer hosts do (WebScriptHostHttpRoutesManager.BuildConstraintMethods).
    return not methods or method in methods or (method == "HEAD" and "GET" in methods)


def _segments(template: str) -> list[str]:
    return [segment for segment in template.split("/") if segment]


def _rank(segment: str) -> tuple[int, str]:
    first = _PARAMETER.match(segment)
    if not first:
        return _LITERAL, segment.lower()
    if first["all"]:
        return _REST, ""
    return (_CONSTRAINED if first["constraint"] else _FREE), ""


def _segment_pattern(segment: str) -> str:
    whole = _PARAMETER.fullmatch(segment)
    if whole and whole["all"]:
        return f"(?:/(?P<{whole['name']}>.*))?"
    pattern = "/" + "".join(_parts(segment))
    return f"(?:{pattern})?" if whole and whole["optional"] else pattern


def _parts(segment: str) -> Iterator[str]:
    end = 0
    for parameter in _PARAMETER.finditer(segment):
        yield _literal(segment[end : parameter.start()])
        yield f"(?P<{parameter['name']}>{_value(parameter['constraint'])})"
        end = parameter.end()
    yield _literal(segment[end:])


def _literal(text: str) -> str:
    if "{" in text or "}" in text:
        raise ValueError(f"this part of a route template is not supported: {text}")
    return re.escape(text)


def _value(constraint: str | None) -> str:
    if constraint is None:
        return "[^/]+"
    if constraint not in CONSTRAINTS:
        raise ValueError(f"this route constraint is not supported: {constraint}")
    return CONSTRAINTS[constraint]
