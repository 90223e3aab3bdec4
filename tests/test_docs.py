"""The documentation leaves nothing out, and its links lead somewhere."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic.alias_generators import to_camel

from shared import destinations, errors
from shared.access.rights import Scope
from shared.access.roles import GRANTS, ON_BEHALF
from shared.catalog.fields import FIELD_TYPES
from shared.destinations.outcomes import Cause
from shared.errors import UnknownType
from shared.settings import Settings
from shared.stores import kept
from shared.stores.trail import Status

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))),
    *sorted((ROOT / "connectors").glob("*/README.md")),
]


def page(name: str) -> str:
    return (ROOT / name).read_text()


def headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", text, re.MULTILINE)


def left_out(names, text: str) -> list[str]:
    """Those names that the text does not have as code."""
    return [name for name in names if f"`{name}`" not in text]


def test_every_setting_is_documented():
    fields = Settings.model_fields.items()
    ours = [str(field.validation_alias or name.upper()) for name, field in fields]
    sample = json.loads(page("local.settings.sample.json"))["Values"]
    deployed = re.findall(r"^    ([A-Z]\w+): ", page("infra/app/function-app.bicep"), re.MULTILINE)
    parameters = re.findall(r"^param (\w+)", page("infra/main.bicep"), re.MULTILINE)

    assert left_out({*ours, *sample, *deployed, *parameters}, page("docs/settings.md")) == []


def test_every_value_of_host_json_is_documented_as_it_is():
    text = page("docs/settings.md")

    assert [row for row in host_rows(json.loads(page("host.json"))) if row not in text] == []


def host_rows(doc, path: str = "") -> Iterator[str]:
    for name, value in doc.items():
        if isinstance(value, dict):
            yield from host_rows(value, f"{path}{name}.")
        else:
            yield f"| `{path}{name}` | `{json.dumps(value)}` |"


def test_every_problem_has_a_page():
    statuses = {error.type: error.status for error in every_error(errors.SignalboxError)}
    text = page("docs/problems.md")

    assert UnknownType.type in statuses
    assert set(headings(text)[1:]) == statuses.keys()
    for type_, status in statuses.items():
        assert f"\n## {type_}\n\n**{status} " in text


def every_error(of: type[errors.SignalboxError]) -> Iterator[type[errors.SignalboxError]]:
    yield of
    for one in of.__subclasses__():
        if one.__module__.startswith("shared."):
            yield from every_error(one)


def test_every_status_cause_and_scope_is_documented():
    causes = [*Cause, *kept.Cause, "opted_out"]

    assert left_out([*Status, *causes], page("docs/deliveries.md")) == []
    assert left_out(Scope, page("docs/keys.md")) == []


def test_every_role_is_documented_with_its_scopes():
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", page("docs/authentication.md"), re.MULTILINE))

    assert rows.keys() == GRANTS.keys() - {*Scope, ON_BEHALF}
    for role, told in rows.items():
        scopes = {*Scope} if told == "every scope" else set(re.findall("`(.+?)`", told))
        assert scopes == GRANTS[role], role


def test_every_field_type_and_every_kind_of_destination_is_documented():
    assert left_out(FIELD_TYPES, page("docs/definitions.md")) == []
    assert left_out(destinations.KINDS, page("docs/destinations.md")) == []


@pytest.mark.parametrize("kind", destinations.KINDS)
def test_every_setting_and_secret_of_a_destination_is_documented(kind):
    plugin = destinations.load(kind)
    settings = plugin.settings.model_fields.keys() - destinations.DestinationSettings.model_fields
    names = [to_camel(name) for name in settings]
    [section] = re.findall(
        rf"^## {kind}\n(.+?)(?=^## |\Z)", page("docs/destinations.md"), re.MULTILINE | re.DOTALL
    )

    assert left_out({*names, *plugin.secrets}, section) == []


def test_every_target_of_make_is_documented():
    targets = re.findall(r"^([a-z-]+):.*## ", page("Makefile"), re.MULTILINE)

    assert left_out((f"make {target}" for target in targets), page("README.md")) == []


@pytest.mark.parametrize("at", PAGES, ids=lambda at: at.name)
def test_every_link_leads_somewhere(at):
    targets = re.findall(r"\]\(([^)\s]+)\)", at.read_text())

    assert [target for target in targets if not leads_somewhere(at, target)] == []


def leads_somewhere(at: Path, target: str) -> bool:
    if target.startswith("https://"):
        return True
    name, _, anchor = target.partition("#")
    file = at.parent / name if name else at
    return file.exists() and (not anchor or anchor in map(slug, headings(file.read_text())))


def slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_the_tests_behind_the_promises_exist():
    named = re.findall(r"\[`(test_\w+)`\]\(([\w/.-]+)\)", page("README.md"))

    assert named
    assert [(name, file) for name, file in named if f"def {name}(" not in page(file)] == []


@pytest.mark.parametrize("at", PAGES, ids=lambda at: at.name)
def test_every_json_block_is_json(at):
    for block in re.findall(r"```json\n(.*?)```", at.read_text(), re.DOTALL):
        json.loads(block)
