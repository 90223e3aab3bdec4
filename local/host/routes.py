"""Route templates of HTTP triggers, turned into patterns and tried in the order in which they are given.

Templates follow ASP.NET Core routing: https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates
Supported: literals, `{id}`, `{id?}`, `{id:int}`, `{id:int?}`, `{*rest}`, several parts in a segment, and the
constraints of CONSTRAINTS. Matching ignores case and a trailing slash, and an empty segment matches nothing before a
catch-all's own (dotnet/aspnetcore, RoutePatternMatcher.TryMatch).
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


class Routes(Generic[Target]):
    def __init__(self, routes: Iterable[Route[Target]]) -> None:
        """Raises ValueError for a template outside what the module supports."""
        self._routes = [(compile_template(route.template), route) for route in routes]

    def find(self, method: str, path: str) -> Found[Target] | None:
        """The first route that takes the path by this method; `path` is decoded, with a slash first and no query."""
        for pattern, route in self._routes:
            match = pattern.fullmatch(path)
            if match and (not route.methods or method in route.methods):
                return Found(route.target, {name: text for name, text in match.groupdict().items() if text})
        return None


def compile_template(template: str) -> re.Pattern[str]:
    text = "".join(_segment_pattern(segment) for segment in _segments(template))
    return re.compile(text + "/?", re.IGNORECASE | re.DOTALL)


def _segments(template: str) -> list[str]:
    return [segment for segment in template.split("/") if segment]


def _segment_pattern(segment: str) -> str:
    whole = _PARAMETER.fullmatch(segment)
    if whole and whole["all"]:
        return f"(?:/(?P<{whole['name']}>(?!/).*))?"
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
