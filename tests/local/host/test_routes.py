"""Route templates match and are ordered as in ASP.NET Core routing and the Functions host."""

import pytest

from local.host.routes import Found, NotFound, Route, Routes, compile_template


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
    ],
)
def test_a_template_leaves_other_paths(template, path):
    assert found(template, path) == NotFound(frozenset())


def test_a_known_path_with_another_method_names_the_allowed_ones():
    assert found("a", "/a", frozenset({"POST"})) == NotFound(frozenset({"POST"}))


def test_literals_win_over_constraints_and_those_over_free_parameters_and_catch_alls():
    templates = ["{*all}", "a/{x}", "{x}/b", "a/{x:int}", "a/b", "a"]
    routes = Routes([Route(template, frozenset(), template) for template in templates])
    expected = {
        "/a/b": "a/b",
        "/a/1": "a/{x:int}",
        "/a/c": "a/{x}",
        "/z/b": "{x}/b",
        "/z/z": "{*all}",
        "/a": "a",
    }
    for path, template in expected.items():
        match = routes.find("GET", path)
        assert isinstance(match, Found)
        assert match.target == template


@pytest.mark.parametrize("template", ["a/{id:regex(x)}", "a/{id:datetime}", "a/{", "a/{id=5}"])
def test_a_template_outside_the_supported_forms_is_refused(template):
    with pytest.raises(ValueError, match="not supported"):
        compile_template(template)
