"""Where the guarded client does not go: refused URLs, names that lead elsewhere, certificates that do not hold."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.azure.http import GuardedHttp
from shared.ports import Answer, NoAnswer
from tests.azure.http_servers import NAME, FakeResolver, Server, ask, ask_once, head


@pytest.mark.parametrize(
    ("url", "failure"),
    [
        ("https://169.254.169.254/metadata/instance", "refused_address"),
        ("http://169.254.169.254/metadata/instance", "refused_address"),
        ("https://[::ffff:10.0.0.1]/", "refused_address"),
        ("http://hooks.example.com/", "refused_address"),
        ("https://2130706433/", "bad_url"),
        ("https://127.1/", "bad_url"),
        ("https://[fe80::1%25lo]/", "bad_url"),
        ("ftp://hooks.example.com/", "bad_url"),
        ("https://hooks.example.com:0/", "bad_url"),
        ("no url", "bad_url"),
    ],
)
async def test_a_refused_url_never_reaches_the_name_service(url, failure):
    resolver = FakeResolver(["127.0.0.1"])

    assert await ask(GuardedHttp(allow_loopback=True, resolver=resolver), url) == NoAnswer(failure)
    assert resolver.asked == []


async def test_this_machine_is_not_reached_by_default():
    async with Server().running() as server:
        for host in ("127.0.0.1", "localhost", "LOCALHOST.", "[::ffff:127.0.0.1]"):
            for scheme in ("http", "https"):
                url = f"{scheme}://{host}:{server.port}/"
                assert await ask_once(url) == NoAnswer("refused_address")

    assert server.connections == 0


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],
        ["2606:4700::1111", "::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["168.63.129.16"],
        ["fe80::1%lo"],
        ["not an address"],
    ],
)
async def test_a_name_with_one_address_that_is_not_public_is_refused(addresses):
    async with Server().running() as server:
        answer = await ask_once(f"https://{NAME}:{server.port}/", addresses)

    assert answer == NoAnswer("refused_address")
    assert server.connections == 0


async def test_loopback_does_not_open_a_name_with_a_private_address():
    answer = await ask_once(f"https://{NAME}/", ["127.0.0.1", "10.0.0.1"], allow_loopback=True)

    assert answer == NoAnswer("refused_address")


async def test_localhost_means_this_machine_whatever_the_name_service_says():
    assert await ask_once("http://localhost/", ["8.8.8.8"], allow_loopback=True) == NoAnswer(
        "refused_address"
    )


@pytest.mark.parametrize(
    "answer", [[], socket.gaierror(socket.EAI_NONAME, "unknown"), OSError(None, "failed")]
)
async def test_a_name_without_address_is_unresolved(answer):
    assert await ask_once(f"https://{NAME}/", answer) == NoAnswer("unresolved")


async def test_the_connection_goes_to_what_was_checked():
    resolver = FakeResolver(["127.0.0.1"], ["10.0.0.1"])
    http = GuardedHttp(allow_loopback=True, resolver=resolver)
    async with Server().running() as server:
        answer = await ask(http, f"http://localhost:{server.port}/")
        await http.close()

    assert isinstance(answer, Answer)
    assert resolver.asked == ["localhost"]
    assert head(server.requests[0])[1] == f"host: localhost:{server.port}"


async def test_a_name_that_moves_is_checked_again():
    http = GuardedHttp(allow_loopback=True, resolver=FakeResolver(["127.0.0.1"], ["10.0.0.1"]))
    async with Server().running() as server:
        first = await ask(http, f"http://localhost:{server.port}/")
        second = await ask(http, f"http://localhost:{server.port + 1}/")
        await http.close()

    assert isinstance(first, Answer)
    assert second == NoAnswer("refused_address")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for NAME, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(signed.public_bytes(pem) + key.private_bytes(pem, private, serialization.NoEncryption()))
    return path


@asynccontextmanager
async def secure(certificate: Path) -> AsyncIterator[Server]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with Server().running(context) as server:
        yield server


async def ask_securely(server: Server, name: str, tls: ssl.SSLContext | None) -> Answer | NoAnswer:
    return await ask_once(f"https://{name}:{server.port}/", ["127.0.0.1"], allow_loopback=True, tls=tls)


async def test_a_trusted_certificate_is_checked_by_name_though_the_address_is_pinned(certificate):
    trusting = ssl.create_default_context(cafile=certificate)
    async with secure(certificate) as server:
        assert await ask_securely(server, NAME, trusting) == Answer(200, {"content-length": "2"}, b"ok")
        assert await ask_securely(server, "other.example.test", trusting) == NoAnswer("tls")


async def test_an_untrusted_certificate_is_a_tls_failure(certificate):
    async with secure(certificate) as server:
        assert await ask_securely(server, NAME, None) == NoAnswer("tls")

    assert server.requests == []


async def test_a_server_that_speaks_no_tls_is_a_tls_failure():
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        answer = await ask_once(url, allow_loopback=True)

    assert answer == NoAnswer("tls")
