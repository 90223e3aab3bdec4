"""A section that has as many of something as it may have is told so at the door, and what to do."""

import asyncio

from shared.azure.tables import AzureTables
from shared.ports import MAX_OPERATIONS, Operation, Row, Verb
from shared.registry import MAX_CLIENTS
from shared.storage import REGISTRY
from tests.functions.asking import assert_problem
from tests.functions.conftest import Place, app_with, registration


async def fill(place: Place) -> None:
    """So many clients that there is room for one."""
    rows = [
        Row(f"{place.section}|client", f"client-{n:04}", {"doc": b"{}", "schema": 1})
        for n in range(MAX_CLIENTS - 1)
    ]
    async with AzureTables(place.connection) as tables:
        for start in range(0, len(rows), MAX_OPERATIONS):
            together = rows[start : start + MAX_OPERATIONS]
            await tables.transact(REGISTRY.name, [Operation(Verb.UPSERT, row) for row in together])


def test_one_more_than_there_may_be_is_refused_and_what_is_there_goes_on(crowded: Place):
    asyncio.run(fill(crowded))
    first, more = app_with("ingest"), app_with("ingest")

    made = crowded.client.post("/v1/clients", registration(first))
    refused = crowded.client.post("/v1/clients", registration(more))
    revoked = crowded.client.post(f"/v1/clients/{first.id}/revoke")
    again = crowded.client.post("/v1/clients", registration(first))

    assert [one.status for one in (made, revoked, again)] == [201, 200, 201]
    assert_problem(refused, 409, "limit-reached")
    assert "Register one again that was revoked" in refused.doc["detail"]
