"""The house rules that a tool can hold: sizes, module docstrings, names of rooms."""

import ast
import re
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("functions", "shared", "local", "deploying", "infra")
CODE = [ROOT / "function_app.py", *(p for room in ROOMS for p in sorted((ROOT / room).rglob("*.py")))]
CODE = [path for path in CODE if "node_modules" not in path.parts]
MOST_LINES, MOST_FUNCTION_LINES, MEDIAN_FUNCTION_LINES = 300, 60, 10
SECRET = re.compile(r"(secret|signature|digest|hash|hexdigest|carried|token)$")
OURS_ALONE = {
    "secret not in gone",  # which documents of a key's secrets are kept
    "asked.answer.result().token == token",  # whether a destination refused the token that is remembered
}
"""Comparisons of which nobody outside has a side."""
FORBIDDEN = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}


def functions_of(path):
    tree = ast.parse(path.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def lines_of(node):
    return node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_small_and_says_what_it_is_for(path):
    text = path.read_text()

    assert text.count("\n") <= MOST_LINES
    assert ast.get_docstring(ast.parse(text))
    assert [node.name for node in functions_of(path) if lines_of(node) > MOST_FUNCTION_LINES] == []


def test_functions_are_short():
    lengths = [lines_of(node) for path in CODE for node in functions_of(path)]

    assert median(lengths) <= MEDIAN_FUNCTION_LINES
    assert sum(length > 40 for length in lengths) <= len(lengths) * 0.01


def test_no_module_is_called_what_could_be_anything():
    assert [path for path in CODE if path.stem in FORBIDDEN] == []


def plainly_compared(path):
    """Comparisons that end at the first character that differs, of what is called like a secret."""
    found = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Compare)]
    for node in found:
        is_plain = any(isinstance(one, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for one in node.ops)
        if is_plain and any(map(is_secret, (node.left, *node.comparators))):
            yield ast.unparse(node)


def is_secret(node):
    named = node.func if isinstance(node, ast.Call) else node
    name = getattr(named, "attr", getattr(named, "id", ""))
    return bool(SECRET.search(name))


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_secrets_and_signatures_are_compared_in_constant_time(path):
    assert {*plainly_compared(path)} <= OURS_ALONE


def test_a_comparison_that_tells_where_secrets_differ_is_found_out(tmp_path):
    (tmp_path / "wrong.py").write_text(
        "ok = digest == signature or sent.secret in known or a.hexdigest() != b"
    )

    assert len([*plainly_compared(tmp_path / "wrong.py")]) == 3
