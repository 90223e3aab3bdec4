"""Route templates match as in ASP.NET Core routing, and the first that matches takes the request."""

import pytest

from local.host.routes import Found, Route, Routes, compile_template


def found(template: str, path: str, methods=frozenset()):
    return Routes([Route(template, methods, "target")]).find("GET", path)


@pytest.mark.parametrize(
    ("template", "path", "params"),
    [
        ("v1/events", "/v1/events", {}),
        ("v1/events", "/V1/Events/", {}),
        ("v1/events/{id}", "/v1/events/a b", {"id": "a b"}),
        ("items/{id:int}", "/items/-5", {"id": "-5"}),
        ("items/{id:int?}", "/items", {}),
        ("items/{id?}", "/items/7", {"id": "7"}),
        ("items/{id:guid}", "/items/8DA1EB62-5E1A-4F3C-9C4B-1D7A3C0C8A11", None),
        ("files/{*rest}", "/files", {}),
        ("files/{*rest}", "/files/a/b/c", {"rest": "a/b/c"}),
        ("files/{*rest}", "/files/a//c", {"rest": "a//c"}),
        ("{*path}", "/", {}),
        ("report-{id}.csv", "/report-7.csv", {"id": "7"}),
        ("{a}/x/{b}", "/1/x/2", {"a": "1", "b": "2"}),
    ],
)
def test_a_template_takes_its_paths(template, path, params):
    match = found(template, path)
    assert isinstance(match, Found)
    assert params is None or match.params == params


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("v1/events", "/v1"),
        ("v1/events", "/v1/events/more"),
        ("v1/events/{id}", "/v1/events"),
        ("v1/events/{id}", "/v1/events/a/b"),
        ("items/{id:int}", "/items/a"),
        ("items/{id:int}", "/items/\u0663"),
        ("items/{id:guid}", "/items/8DA1"),
        ("a.b", "/aXb"),
        ("v1", "/v1\n"),
        ("{*path}", "//v1"),
        ("files/{*rest}", "/files//a"),
    ],
)
def test_a_template_leaves_other_paths(template, path):
    assert found(template, path) is None


def test_a_route_takes_its_own_methods_only():
    assert found("a", "/a", frozenset({"POST"})) is None
    assert found("a", "/a", frozenset({"POST", "GET"})) is not None


def test_the_first_route_that_takes_path_and_method_wins_whatever_its_template():
    routes = Routes(
        [
            Route("a/b", frozenset({"POST"}), "posted"),
            Route("a/{x}", frozenset(), "parameter"),
            Route("a/b", frozenset({"GET"}), "literal"),
        ]
    )

    first = [routes.find(method, "/a/b") for method in ("POST", "GET")]

    assert [match.target for match in first if match] == ["posted", "parameter"]


@pytest.mark.parametrize("template", ["a/{id:regex(x)}", "a/{id:datetime}", "a/{", "a/{id=5}"])
def test_a_template_outside_the_supported_forms_is_refused(template):
    with pytest.raises(ValueError, match="not supported"):
        compile_template(template)
