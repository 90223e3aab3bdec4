"""The stand-ins refuse what their vendors refuse, in the vendors' words.

`tests/fixtures/standins/<name>.json`: `origin`, a `request` that is taken, and `wrongs`: what is changed of it (`without`
names a member of the body to leave out), and the status and body that come back. What is wrong is never taken, though there
are vendors that answer 200 to it.
"""

from pathlib import Path
from typing import Any

import pytest

from local.standins import NAMES, Asked, answer
from shared import exact
from shared.exact import Json
from tests.destinations.cases import SENT

FIXTURES = Path(__file__).parents[1] / "fixtures" / "standins"
FACTS = {path.stem: exact.loads(path.read_bytes()) for path in sorted(FIXTURES.glob("*.json"))}
WRONGS = [(name, wrong) for name, facts in FACTS.items() for wrong in facts["wrongs"]]


def asked(request: Json, wrong: Json) -> Asked:
    """The request, changed as a wrong says."""
    parts: dict[str, Any] = {**request, **wrong.get("changes", {})}
    members = parts["body"]
    if isinstance(members, dict):
        members = {name: value for name, value in members.items() if name not in wrong.get("without", ())}
        members = {**members, **wrong.get("members", {})}
    headers = {**parts["headers"], **wrong.get("headers", {})}
    text = members if isinstance(members, str) else exact.dumps(members)
    return Asked(parts["method"], parts["path"], parts.get("query", {}), headers, text.encode())


def test_every_stand_in_has_its_wrongs_and_names_where_they_are_from():
    assert set(FACTS) == set(NAMES)
    assert all(len(facts["wrongs"]) >= 5 and len(facts["origin"]) > 20 for facts in FACTS.values())


def test_every_stand_in_plays_for_a_destination():
    assert set(NAMES) <= set(SENT)


@pytest.mark.parametrize("name", NAMES)
def test_the_request_is_taken(name):
    assert 200 <= answer(name, asked(FACTS[name]["request"], {})).status < 300


@pytest.mark.parametrize(
    ("name", "wrong"), WRONGS, ids=[f"{name}: {wrong['what']}" for name, wrong in WRONGS]
)
def test_a_wrong_is_refused_as_the_vendor_refuses_it(name, wrong):
    told = answer(name, asked(FACTS[name]["request"], wrong))

    assert (told.status, told.doc) == (wrong["status"], wrong.get("answer"))
    assert told.taken is None
