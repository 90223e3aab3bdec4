"""The newest kind of destination came as docs/adding-a-destination.md says: one file, and what shows and tells of it."""

from shared.destinations import KINDS
from tests.history import added_with_the_newest_of, modules_in

ROOM = "shared/destinations/kinds"


def test_the_newest_kind_is_one_file_with_its_fixtures_its_stand_in_and_its_section():
    added = added_with_the_newest_of(ROOM)
    [kind] = modules_in(ROOM, added)
    fixtures = {path for path in added if path.startswith(f"tests/fixtures/destinations/{kind}/")}
    shown = {f"local/standins/{kind}.py", f"tests/fixtures/standins/{kind}.json", "docs/destinations.md"}

    assert kind in KINDS
    assert added - fixtures == {f"{ROOM}/{kind}.py", *shown}
    assert fixtures
