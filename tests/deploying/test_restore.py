"""A backup goes into a deployment that azd has made, as docs/data.md says: over what its hooks made there."""

import secrets
from io import BytesIO

import pytest

from deploying.first import Furnisher
from deploying.outputs import Wishes
from shared.access.keys import Keys
from shared.access.sections import Sections
from shared.access.tokens import RANDOM_BYTES
from shared.azure.vault import MasterKeySeal, new_master_key
from shared.operations import backup
from shared.registry import Registry
from tests.fakes import FakeClock, FakeTables

CLOCK = FakeClock()


def silent(_table: str, _rows: int) -> None:
    """Nobody looks."""


async def furnished(master_keys: str) -> FakeTables:
    tables = FakeTables()
    furnisher = Furnisher(tables, MasterKeySeal(master_keys), CLOCK, secrets.token_bytes(RANDOM_BYTES))
    await furnisher.furnish(Wishes(signalbox_country="SE", ci=False), "https://app.example.com")
    return tables


async def admins(tables: FakeTables) -> set[object]:
    return {key["id"] for key in await Keys(Registry(tables), CLOCK).list("*")}


async def test_it_is_refused_at_first_and_over_it_both_admins_and_all_sections_are_there():
    lost, now = new_master_key(), new_master_key()
    old, new = await furnished(lost), await furnished(now)
    file = BytesIO()
    await backup.write(old, file, CLOCK.now(), silent)
    expected = await admins(old) | await admins(new)

    with pytest.raises(backup.Occupied):
        await backup.restore(new, backup.check(file, silent), silent, over=False)
    await backup.restore(new, backup.check(file, silent), silent, over=True)

    assert await admins(new) == expected
    sections = Sections(Registry(new), MasterKeySeal(f"{now},{lost}"), CLOCK)
    assert {(await sections.read(id)).id for id in ("main", "smoke")} == {"main", "smoke"}
