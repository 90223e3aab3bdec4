"""The recorded cases of the destinations: `tests/fixtures/destinations/<kind>/<case>.json`."""

from pathlib import Path

from shared import exact
from shared.destinations import KINDS
from shared.exact import Json

FIXTURES = Path(__file__).parents[1] / "fixtures" / "destinations"
CASES = sorted(FIXTURES.glob("*/*.json"))


def read(case: Path) -> Json:
    return exact.loads(case.read_bytes())


def name(case: Path) -> str:
    return f"{case.parent.name}/{case.stem}"


def sent(kind: str) -> Json:
    """A case of a kind whose event is sent, with an access token of its own where it needs one."""
    found = [read(case) for case in CASES if case.parent.name == kind]
    return next(one for one in found if "expected" in one and not isinstance(one.get("access"), str))


SENT = {kind: sent(kind) for kind in KINDS}
