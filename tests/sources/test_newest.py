"""The newest kind of source came as docs/adding-a-source.md says: one file and its fixtures, and nothing else."""

from shared.sources import KINDS
from tests.history import added_with_the_newest_of, modules_in

ROOM = "shared/sources/kinds"


def test_the_newest_kind_is_one_file_and_its_fixtures():
    added = added_with_the_newest_of(ROOM)
    [kind] = modules_in(ROOM, added)
    fixtures = {path for path in added if path.startswith(f"tests/fixtures/sources/{kind}/")}

    assert kind in KINDS
    assert added - fixtures == {f"{ROOM}/{kind}.py"}
    assert len(fixtures) > 1
