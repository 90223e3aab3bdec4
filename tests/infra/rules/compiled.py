"""What the Bicep compiler asks, as far as it can be known without it, and that nothing is declared for nobody."""

import re
from collections import defaultdict
from collections.abc import Iterator

from tests.infra import parameters
from tests.infra.bicep import MAIN, Deployment, parse
from tests.infra.facts import Facts

PREVIEW = {"Microsoft.Insights/diagnosticSettings@2021-05-01-preview"}
"""There is no other version that has all kinds of logs: https://learn.microsoft.com/azure/templates/microsoft.insights/diagnosticsettings"""


def compiler_takes_it(deployment: Deployment, _: Facts) -> Iterator[str]:
    """Every name is declared and used, every parameter given as it is declared, every output there and used."""
    yield from deployment.faults


def every_template_is_used(deployment: Deployment, _: Facts) -> Iterator[str]:
    named = {one["detail"]["path"] for one in parse(deployment.texts[MAIN])["modules"].values()}
    for path in sorted(deployment.texts.keys() - named - {MAIN}):
        yield f"{path} is used by nobody"


def nothing_is_fetched(deployment: Deployment, _: Facts) -> Iterator[str]:
    for path, text in deployment.texts.items():
        for found in re.finditer(r"'(?:br|ts)[/:][^']*'|^(?:import|extension|using) .*", text, re.MULTILINE):
            yield f"{path}: {found[0]} does not lie beside it"


def one_released_version_of_each_kind(deployment: Deployment, _: Facts) -> Iterator[str]:
    versions = defaultdict(set)
    for one in deployment.resources:
        versions["/".join(one.type.split("/")[:2])].add(one.version)
        if "preview" in one.version and f"{one.type}@{one.version}" not in PREVIEW:
            yield f"{one.at}: {one.version} may be withdrawn"
    for kind, found in versions.items():
        if len(found) > 1:
            yield f"{kind} is asked for in {sorted(found)}"


def azd_can_set_every_parameter(deployment: Deployment, _: Facts) -> Iterator[str]:
    declared = parse(deployment.texts[MAIN])["parameters"]
    for name in sorted(declared.keys() ^ parameters.file().keys()):
        yield f"{name} is in one of main.bicep and main.parameters.json only"
    for stage in parameters.STAGES:
        for name in sorted(parameters.values_of(stage).keys() - parameters.variables().keys()):
            yield f"parameters/{stage}.env sets {name}, which no parameter takes"


def a_default_is_the_same_in_both_places(deployment: Deployment, _: Facts) -> Iterator[str]:
    """What azd fills in without a choice is what main.bicep says without azd."""
    bare = parameters.given("", known={})
    for name, declared in parse(deployment.texts[MAIN])["parameters"].items():
        if declared["default"] is not None and bare.get(name) != declared["default"]:
            yield f"{name} is {declared['default']!r} in main.bicep, {bare.get(name)!r} in main.parameters.json"


def outputs_and_parameters_are_told_of(deployment: Deployment, facts: Facts) -> Iterator[str]:
    for name in (*deployment.outputs, *parse(deployment.texts[MAIN])["parameters"], *parameters.variables()):
        if f"`{name}`" not in facts.settings_page:
            yield f"docs/settings.md does not tell of {name}"


RULES = (
    *(compiler_takes_it, every_template_is_used, nothing_is_fetched, one_released_version_of_each_kind),
    *(azd_can_set_every_parameter, a_default_is_the_same_in_both_places, outputs_and_parameters_are_told_of),
)
