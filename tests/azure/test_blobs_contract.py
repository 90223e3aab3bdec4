"""The same cases against the fake blobs and against Azurite; and Blob Storage that is away or broken."""

import time
from uuid import uuid4

import pytest
from azure.storage.blob.aio import BlobServiceClient

from local.process import free_ports
from shared.azure.blobs import AzureBlobs
from shared.errors import Unavailable
from shared.storage import BODIES
from tests.fakes import FakeBlobs
from tests.proxy import Answer, Broken, Proxy

TIMEOUT = 0.4
BOUND = 4 * TIMEOUT


@pytest.fixture(params=["fake", "azurite"])
async def blobs(request):
    if request.param == "fake":
        yield FakeBlobs()
    else:
        azurite = request.getfixturevalue("azurite")
        async with AzureBlobs(azurite.connection_string) as blobs:
            yield blobs


@pytest.fixture
def name():
    return f"main/{uuid4().hex}"


@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"0123456789" * 500_000], ids=["empty", "binary", "5 MB"])
async def test_a_body_comes_back_as_it_was_written(blobs, name, body):
    await blobs.put(name, body)
    assert await blobs.get(name) == body


async def test_a_second_body_replaces_the_first(blobs, name):
    await blobs.put(name, b"a longer first body")
    await blobs.put(name, b"second")
    assert await blobs.get(name) == b"second"


async def test_a_missing_blob_is_none(blobs, name):
    assert await blobs.get(name) is None


async def test_a_deleted_blob_is_gone_and_may_be_deleted_again(blobs, name):
    await blobs.delete(name)
    await blobs.put(name, b"body")
    await blobs.delete(name)
    await blobs.delete(name)
    assert await blobs.get(name) is None


async def test_the_names_that_begin_with_something_are_listed_in_order(blobs, name):
    for one in (f"{name}/b", f"{name}/a", f"{name}-2/a", name):
        await blobs.put(one, b"body")

    assert [one async for one in blobs.names(f"{name}/")] == [f"{name}/a", f"{name}/b"]
    assert [one async for one in blobs.names(f"{name}/c")] == []


async def test_names_are_read_page_by_page_also_while_they_are_deleted(azurite, monkeypatch, name):
    monkeypatch.setattr("shared.azure.blobs.MAX_PAGE_NAMES", 2)
    async with AzureBlobs(azurite.connection_string) as blobs:
        wanted = [f"{name}/{number}" for number in range(5)]
        for one in wanted:
            await blobs.put(one, b"body")

        seen = []
        async for one in blobs.names(f"{name}/"):
            seen.append(one)
            await blobs.delete(one)

        assert seen == wanted
        assert [one async for one in blobs.names(f"{name}/")] == []


@pytest.fixture
async def proxy(azurite):
    async with Proxy(azurite.ports.blob) as proxy:
        yield proxy


@pytest.fixture
async def proxied(azurite, proxy):
    through = azurite.connection_string.replace(f":{azurite.ports.blob}/", f":{proxy.port}/")
    async with AzureBlobs(through, timeout_seconds=TIMEOUT) as blobs:
        yield blobs


async def unavailable_within(seconds, call):
    start = time.monotonic()
    with pytest.raises(Unavailable):
        await call
    assert time.monotonic() - start < seconds


def call(blobs, verb, name):
    if verb == "names":
        return read(blobs.names(name))
    return blobs.put(name, b"body") if verb == "put" else getattr(blobs, verb)(name)


async def read(names):
    return [name async for name in names]


VERBS = ("put", "get", "delete", "names")


@pytest.mark.parametrize("verb", VERBS)
async def test_the_container_is_made_when_it_is_missing(azurite, verb, name):
    async with BlobServiceClient.from_connection_string(azurite.connection_string) as service:
        if await service.get_container_client(BODIES.name).exists():
            await service.delete_container(BODIES.name)
    async with AzureBlobs(azurite.connection_string) as blobs:
        await call(blobs, verb, name)
        await blobs.put(name, b"body")
        assert await blobs.get(name) == b"body"


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "fault", [Broken.HANG, Answer(503), Answer(403, commits=False), Answer(404, commits=False)]
)
async def test_storage_that_is_broken_is_unavailable_in_bounded_time(
    azurite, proxy, proxied, verb, fault, name
):
    async with AzureBlobs(azurite.connection_string) as blobs:
        await blobs.put(name, b"body")
    proxy.faults.extend([fault] * 10)
    await unavailable_within(BOUND, call(proxied, verb, name))


async def test_a_body_that_breaks_off_is_unavailable(azurite, proxy, proxied, name):
    async with AzureBlobs(azurite.connection_string) as blobs:
        await blobs.put(name, b"0123456789" * 10_000)
    proxy.faults.extend([Broken.CUT] * 10)
    await unavailable_within(BOUND, proxied.get(name))


@pytest.mark.parametrize("verb", VERBS)
async def test_storage_that_refuses_connections_is_unavailable(azurite, verb, name):
    nowhere = azurite.connection_string.replace(f":{azurite.ports.blob}/", f":{free_ports(1)[0]}/")
    async with AzureBlobs(nowhere, timeout_seconds=TIMEOUT) as blobs:
        await unavailable_within(BOUND, call(blobs, verb, name))


async def test_a_put_that_was_answered_with_an_error_is_repeated(azurite, proxy, name):
    through = azurite.connection_string.replace(f":{azurite.ports.blob}/", f":{proxy.port}/")
    async with AzureBlobs(through) as blobs:
        await blobs.put("warm", b"")
        proxy.faults.append(Answer(503))
        await blobs.put(name, b"body")
        assert await blobs.get(name) == b"body"
