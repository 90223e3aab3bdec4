"""The templates as one model: pycep parses each file, and this puts values in as a deployment would.

What only Azure knows stands as a symbol: `«serviceBus.namespace.id»`. Every expression is worked out, those of branches that
are not taken, too, so that a name that nobody declared is found wherever it stands. A fault is what the compiler refuses.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import pycep
from pycep.models import BicepElement

INFRA = Path(__file__).parents[2] / "infra"
MAIN = "main.bicep"
TYPES = {"string": str, "int": int, "bool": bool, "object": dict, "array": list}
_INTERPOLATION = re.compile(r"\$\{([\w.]+)\}")
_UNREADABLE = re.compile(r"\$\{(?![\w.]+\})")


class Refused(Exception):
    """What the compiler would not take."""


@dataclass(frozen=True)
class Resource:
    """A resource as it is deployed, its values put in."""

    module: str
    symbol: str
    type: str
    version: str
    body: dict[str, Any]
    conditional: bool = False
    """Whether it may be left out."""

    @property
    def at(self) -> str:
        return f"{self.module}.{self.symbol}" if self.module else self.symbol


@dataclass(frozen=True)
class Unit:
    """One file while it is worked out."""

    path: str
    prefix: str
    parsed: Mapping[str, Any]
    given: Mapping[str, Any]
    deployment: "Deployment"
    names: set[str] = field(default_factory=set)
    """What was asked for by name."""
    outputs: dict[str, Any] = field(default_factory=dict)


@dataclass
class Deployment:
    """What a set of parameters comes to."""

    texts: Mapping[str, str]
    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def of(self, kind: str) -> list[Resource]:
        return [one for one in self.resources if one.type == kind]

    def at(self, where: str) -> Resource:
        (found,) = [one for one in self.resources if one.at == where]
        return found


def read(infra: Path = INFRA) -> dict[str, str]:
    """The text of every template, by its path under infra/."""
    return {path.relative_to(infra).as_posix(): path.read_text() for path in sorted(infra.rglob("*.bicep"))}


@cache
def parse(text: str) -> Mapping[str, Any]:
    return _parser().parse(text=text)


@cache
def _parser() -> pycep.BicepParser:
    return pycep.BicepParser(cache=False)


def deploy(texts: Mapping[str, str], given: Mapping[str, Any]) -> Deployment:
    """All resources of main.bicep and its modules. What the compiler would refuse is in `faults`."""
    deployment = Deployment(texts)
    main = Unit(MAIN, "", parse(texts[MAIN]), given, deployment)
    _work_out(main)
    deployment.outputs = main.outputs
    return deployment


def _work_out(unit: Unit) -> None:
    unit.deployment.faults += _unfit(unit)
    scope = _Scope(unit)
    for name, declared in unit.parsed.get("variables", {}).items():
        _tried(unit, name, partial(scope.value, declared["value"]))
    for name in (*unit.parsed.get("resources", {}), *unit.parsed.get("modules", {})):
        _tried(unit, name, partial(scope.made, name))
    for name, declared in unit.parsed.get("outputs", {}).items():
        unit.outputs[name] = _tried(unit, name, partial(scope.value, declared["value"]))
    unit.deployment.faults += _unused(unit, scope)


def _tried(unit: Unit, name: str, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Refused as refused:
        unit.deployment.faults.append(f"{unit.path}: {name}: {refused}")
        return None


def _unused(unit: Unit, scope: "_Scope") -> Iterator[str]:
    for name in (*unit.parsed.get("parameters", {}), *unit.parsed.get("variables", {})):
        if name not in unit.names:
            yield f"{unit.path}: {name} is used by nobody"
    for module, made in scope.modules.items():
        for name in made.outputs.keys() - scope.outputs_used[module]:
            yield f"{made.path}: the output {name} is used by nobody"


def _unfit(unit: Unit) -> Iterator[str]:
    """What is given and not declared, needed and not given, of another type or not allowed."""
    declared = unit.parsed.get("parameters", {})
    for name in unit.given.keys() - declared.keys():
        yield f"{unit.path}: {name} is given and no parameter"
    for name, parameter in declared.items():
        if name not in unit.given:
            if parameter["default"] is None:
                yield f"{unit.path}: the parameter {name} is not given"
            continue
        yield from _unfit_value(f"{unit.path}: {name}", parameter, unit.given[name])


def _unfit_value(where: str, parameter: Mapping[str, Any], value: Any) -> Iterator[str]:
    kind = TYPES[str(parameter["type"])]
    if value is not None and type(value) is not kind:
        yield f"{where} is to be {parameter['type']} and is {value!r}"
        return
    for decorator in parameter["decorators"]:
        limit = decorator.get("argument")
        if decorator["type"] == "allowed" and value not in limit:
            yield f"{where} is none of {limit}: {value!r}"
        if decorator["type"] in {"min_value", "minValue"} and value < limit:
            yield f"{where} is less than {limit}: {value!r}"
        if decorator["type"] in {"max_value", "maxValue"} and value > limit:
            yield f"{where} is more than {limit}: {value!r}"


@dataclass(frozen=True)
class _Made:
    """A resource to which another refers."""

    at: str
    body: Mapping[str, Any]


class _Scope:
    """What names mean in one file."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.modules: dict[str, Unit] = {}
        self.outputs_used: dict[str, set[str]] = {}
        self._made: dict[str, Any] = {}
        self._local: dict[str, Any] = {}

    # --- what is declared -------------------------------------------------------------------------------

    def made(self, name: str) -> Any:
        """The resource or module of that name, worked out once."""
        if name not in self._made:
            parsed = self.unit.parsed
            if name in parsed.get("modules", {}):
                self._made[name] = self._module(name, parsed["modules"][name])
            else:
                self._made[name] = self._resource(name, parsed["resources"][name])
        return self._made[name]

    def _module(self, name: str, declared: Mapping[str, Any]) -> Unit:
        path = declared["detail"]["path"]
        if path not in self.unit.deployment.texts:
            raise Refused(f"there is no {path}")
        config = self._unless_left_out(declared["config"])[0]
        unit = Unit(
            path,
            name,
            parse(self.unit.deployment.texts[path]),
            self.value(config.get("params", {})),
            self.unit.deployment,
        )
        self.value({key: value for key, value in config.items() if key not in {"params", "scope"}})
        self.name(str(config["scope"]))
        self.modules[name], self.outputs_used[name] = unit, set()
        _work_out(unit)
        return unit

    def _resource(self, name: str, declared: Mapping[str, Any]) -> _Made | list[_Made]:
        config, conditional = self._unless_left_out(declared["config"])
        bodies = self.value(config)
        kind = declared["type"], declared["api_version"]
        if isinstance(bodies, dict):
            return self._deployed(name, kind, bodies, conditional=conditional)
        numbered = enumerate(bodies)
        return [self._deployed(f"{name}[{at}]", kind, body, conditional=conditional) for at, body in numbered]

    def _deployed(
        self, name: str, kind: tuple[str, str], body: dict[str, Any], *, conditional: bool
    ) -> _Made:
        resource = Resource(self.unit.prefix, name, *kind, body, conditional)
        self.unit.deployment.resources.append(resource)
        return _Made(resource.at, body)

    def _unless_left_out(self, config: Any) -> tuple[Any, bool]:
        if config.keys() == {"condition", "config"}:
            if not isinstance(self.value(config["condition"]), bool) or "'outputs'" in str(
                config["condition"]
            ):
                raise Refused("whether it is deployed is not known before the deployment")
            return config["config"], True
        return config, False

    def name(self, name: str) -> Any:
        parsed = self.unit.parsed
        if name in self._local:
            return self._local[name]
        self.unit.names.add(name)
        if name in parsed.get("parameters", {}):
            default = parsed["parameters"][name]["default"]
            return self.unit.given[name] if name in self.unit.given else self.value(default)
        if name in parsed.get("variables", {}):
            return self.value(parsed["variables"][name]["value"])
        if name in parsed.get("resources", {}) or name in parsed.get("modules", {}):
            return self.made(name)
        raise Refused(f"{name} is not declared")

    # --- what expressions come to -----------------------------------------------------------------------

    def value(self, found: Any) -> Any:
        match found:
            case BicepElement():
                return _plain(self.name(str(found)))
            case str():
                return self._text(found)
            case list():
                return [self.value(one) for one in found]
            case dict():
                return self._object(found)
        return found

    def _object(self, found: dict[str, Any]) -> Any:
        match found:
            case {"loop_type": _}:
                return self._loop(found)
            case {"operator": {"type": kind, "operands": operands}}:
                return self._operator(kind, operands)
            case {"function": {"type": _} as function}:
                return self._function(function)
        return {self._text(key.strip("'")): self.value(one) for key, one in found.items()}

    def _text(self, text: str) -> str:
        if _UNREADABLE.search(text):
            raise Refused(f"only names are read inside a text: {text}")
        filled = _INTERPOLATION.sub(lambda found: _told(self._path(found[1].split("."))), text)
        return filled.replace("\\'", "'")

    def _loop(self, found: Mapping[str, Any]) -> list[Any]:
        detail = found["loop_type"]["detail"]
        items = self.value(detail["array_name"])
        if not isinstance(items, list):
            raise Refused(f"{detail['array_name']} is not known before the deployment")
        turns = []
        for index, item in enumerate(items):
            self._local |= {detail["item_name"]: item, detail.get("index_name", "index"): index}
            turns.append(self.value(found["config"]))
        for name in (detail["item_name"], detail.get("index_name", "index")):
            self._local.pop(name, None)
        return turns

    def _operator(self, kind: str, operands: Mapping[str, Any]) -> Any:
        if kind in {"property_accessor", "index_accessor"}:
            return _plain(self._path([*self._steps({"operator": {"type": kind, "operands": operands}})]))
        if kind not in _OPERATORS:
            raise Refused(f"the operator {kind} is not known here")
        values = [self.value(one) for one in operands.values()]
        return _OPERATORS[kind](*values)

    def _steps(self, found: Any) -> Iterator[Any]:
        """`a.b[0].c` as its steps: pycep nests them to the right."""
        operator = found.get("operator") if isinstance(found, dict) else None
        if operator and operator["type"] in {"property_accessor", "index_accessor"}:
            left, right = operator["operands"].values()
            yield from self._steps(left)
            yield from [right] if operator["type"] == "index_accessor" else self._steps(right)
        else:
            yield found if isinstance(found, dict) else str(found)

    def _path(self, steps: list[Any]) -> Any:
        first, *rest = steps
        at = self.name(first) if isinstance(first, str) else self.value(first)
        for step in rest:
            at = self._step(at, self._local.get(step, step) if isinstance(step, str) else step)
        return at

    def _step(self, at: Any, step: Any) -> Any:
        if isinstance(at, Unit):
            return self._output(at, step)
        if isinstance(at, _Outputs):
            return at.take(step)
        if isinstance(at, _Made):
            return at.body["name"] if step == "name" else f"«{at.at}.{step}»"
        if isinstance(at, str) and at.startswith("«"):
            return f"{at[:-1]}.{step}»"
        try:
            return at[step]
        except (KeyError, IndexError, TypeError):
            raise Refused(f"there is no {step}") from None

    def _output(self, module: Unit, step: Any) -> Any:
        if step != "outputs":
            raise Refused(f"a module has outputs, and no {step}")
        return _Outputs(module, self.outputs_used[module.prefix])

    def _function(self, found: Mapping[str, Any]) -> Any:
        given = found.get("parameters", {}).values()
        arguments = [self.value(one) for one in given if one is not None]
        if found["type"] not in _FUNCTIONS:
            raise Refused(f"the function {found['type']} is not known here")
        return _FUNCTIONS[found["type"]](*arguments)


@dataclass(frozen=True)
class _Outputs:
    module: Unit
    used: set[str]

    def take(self, name: str) -> Any:
        if name not in self.module.outputs:
            raise Refused(f"{self.module.path} has no output {name}")
        self.used.add(name)
        return self.module.outputs[name]


def _plain(value: Any) -> Any:
    return f"«{value.at}»" if isinstance(value, _Made) else value


def _told(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_OPERATORS: dict[str, Callable[..., Any]] = {
    "conditional": lambda chosen, one, other: one if chosen else other,
    "equals": lambda one, other: one == other,
    "greater_than": lambda one, other: one > other,
    "and": lambda one, other: one and other,
    "or": lambda one, other: one or other,
    "not": lambda one: not one,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "empty": lambda value: not value,
    "environment": lambda: "«environment»",
    "format": lambda text, *values: text.format(*values),
    "guid": lambda *parts: f"«guid {' '.join(parts)}»",
    # ARM writes a boolean with a capital letter.
    "string": str,
    "split": lambda text, by: text.split(by),
    "subscription": lambda: "«subscription»",
    "subscription_resource_id": lambda kind, name: f"{kind}/{name}",
    "tenant": lambda: "«tenant»",
    "to_lower": str.lower,
    "trim": str.strip,
    "union": lambda one, other: one | other,
    "unique_string": lambda *_: "abcdefghijklm",
}
