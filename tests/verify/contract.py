"""Takes over the cases of a contract that ask for nothing but the port: those are the same on every account."""

import inspect
from types import ModuleType
from typing import Any


def cases_of(contract: ModuleType, *ports: str) -> dict[str, Any]:
    """The tests of a module whose fixtures are all among these; `monkeypatch` may be there, too."""
    return {
        name: test
        for name, test in vars(contract).items()
        if name.startswith("test_") and _fixtures(test) <= {*ports, "monkeypatch"}
    }


def _fixtures(test: Any) -> set[str]:
    given = {
        one.strip()
        for mark in getattr(test, "pytestmark", [])
        if mark.name == "parametrize"
        for one in (mark.args[0].split(",") if isinstance(mark.args[0], str) else mark.args[0])
    }
    return set(inspect.signature(test).parameters) - given
