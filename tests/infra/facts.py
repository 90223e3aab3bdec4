"""What the rest of the project says, which the templates have to agree with."""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from local.host import worker
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOYED_ROOMS = ("function_app.py", "functions", "shared")
LOCAL, AZURE = "local only", "in Azure only"
"""How a member of the settings says that it is set in one place only."""
_ENVIRONMENT = re.compile(r"(os\.)?(environ|environ\.get|getenv)")
_BOUND = re.compile(r"%(\w+)%")


@dataclass(frozen=True)
class Facts:
    settings: Mapping[str, str]
    """Every setting that the code reads, and what its docstring says of it."""
    queues: Mapping[str, str]
    """The settings that name queues, each with its default."""
    bindings: tuple[Mapping[str, Any], ...]
    sample: Mapping[str, str]
    host: Mapping[str, Any]
    emulator: Mapping[str, Mapping[str, Any]]
    """The queues of the emulator's compose file, with their properties."""
    adapters: str
    """The source of shared/azure."""
    alerts: tuple[str, ...]
    """The sections of docs/operating.md on alerts."""
    settings_page: str

    @property
    def bound(self) -> set[str]:
        """The settings that triggers name."""
        return {name for one in self.bindings for text in one.values() for name in _BOUND.findall(str(text))}

    @property
    def connections(self) -> set[str]:
        return {one["connection"] for one in self.bindings if "connection" in one}


@cache
def facts() -> Facts:
    (namespace,) = _json("local/compose/servicebus.json")["UserConfig"]["Namespaces"]
    told = dict(_told())
    chapter = re.search(
        r"^## Alerts\n(.*?)^## ", (ROOT / "docs/operating.md").read_text(), re.DOTALL | re.MULTILINE
    )
    names = {field: _name(field) for field in Settings.model_fields}
    return Facts(
        settings={name: told.get(field, "") for field, name in names.items()}
        | dict.fromkeys(read_aside(_deployed()), ""),
        queues={
            name: Settings.model_fields[field].default
            for field, name in names.items()
            if field.endswith("_queue")
        },
        bindings=tuple(_bindings()),
        sample=_json("local.settings.sample.json")["Values"],
        host=_json("host.json"),
        emulator={queue["Name"]: queue["Properties"] for queue in namespace["Queues"]},
        adapters="\n".join(path.read_text() for path in sorted((ROOT / "shared/azure").glob("*.py"))),
        alerts=tuple(re.findall(r"^### (.+)$", chapter[1], re.MULTILINE)) if chapter else (),
        settings_page=(ROOT / "docs/settings.md").read_text(),
    )


def _json(path: str) -> Any:
    return json.loads((ROOT / path).read_text())


def _name(field: str) -> str:
    return str(Settings.model_fields[field].validation_alias or field.upper())


def _told() -> Iterator[tuple[str, str]]:
    """The members of the settings' models that have a docstring below them."""
    for model in ast.parse((ROOT / "shared/settings.py").read_text()).body:
        for member, below in pairwise(model.body if isinstance(model, ast.ClassDef) else ()):
            match member, below:
                case ast.AnnAssign(ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                    yield name, text


def _deployed() -> Iterator[Path]:
    for room in DEPLOYED_ROOMS:
        yield from [ROOT / room] if room.endswith(".py") else sorted((ROOT / room).rglob("*.py"))


def read_aside(paths: Iterable[Path]) -> Iterator[str]:
    """What code asks the environment for without the settings; it has to ask by a name that can be read here."""
    for node in (node for path in paths for node in ast.walk(ast.parse(path.read_text()))):
        match node:
            case ast.Subscript(of, name) | ast.Call(of, [name, *_]) if _ENVIRONMENT.fullmatch(
                ast.unparse(of)
            ):
                yield str(ast.literal_eval(name))


def _bindings() -> Iterator[Mapping[str, Any]]:
    for function in worker.index(ROOT):
        yield from function.bindings
