"""Azurite as storage is in a deployment: over TLS, and with a token instead of a key."""

import base64
import json
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple, Self

import aiohttp.connector
import pytest
from azure.core.credentials import AccessToken
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.azurite import ACCOUNT, LISTENING, NODE, PROGRAM, installed
from local.process import Child

__all__ = ["Endpoints", "Identity", "certificate", "endpoints", "token"]
EXPIRES_SECONDS = 3600


class Endpoints(NamedTuple):
    tables: str
    blobs: str
    certificate: Path


class Identity:
    """A credential whose tokens Azurite takes, or not."""

    def __init__(self, audience: str = "https://storage.azure.com") -> None:
        self.audience = audience

    async def get_token(self, *_: str, **__: object) -> AccessToken:
        return token(self.audience)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


def token(audience: str = "https://storage.azure.com") -> AccessToken:
    """One that Azurite takes for an hour: it looks at what a token claims, not at who signed it."""
    now = int(time.time())
    issuer = "https://sts.windows.net/00000000-0000-0000-0000-000000000000/"
    claims = {
        "oid": "00000000-0000-0000-0000-00000000d0e5",
        "aud": audience,
        "iss": issuer,
        "nbf": now - 60,
        "iat": now - 60,
        "exp": now + EXPIRES_SECONDS,
    }
    text = ".".join([_coded({"alg": "RS256", "typ": "JWT"}), _coded(claims), "c2ln"])
    return AccessToken(text, now + EXPIRES_SECONDS)


def _coded(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    # A name of its own: of two authorities with one name only the first that a process trusts would be asked.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test {secrets.token_hex(8)}")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(pem))
    key_file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_file, key_file


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    if not installed():
        pytest.skip("Azurite is not installed: make setup")
    folder = tmp_path_factory.mktemp("azurite")
    cert, key = certificate(folder)
    options: list[str | Path] = [
        "--silent",
        "--disableTelemetry",
        "--skipApiVersionCheck",
        "--inMemoryPersistence",
    ]
    ports = [f"--{service}Port=0" for service in ("blob", "queue", "table")]
    secure: list[str | Path] = ["--oauth", "basic", "--cert", cert, "--key", key]
    with Child("azurite", [NODE, PROGRAM, *options, *ports, *secure], folder / "log") as child:
        listening = LISTENING.replace("http:", "https:")
        found = [child.wait_for_text(listening.format(service=name)) for name in ("Table", "Blob")]
        # aiohttp makes its one TLS context when it is imported, so SSL_CERT_FILE would come too late.
        aiohttp.connector._SSL_CONTEXT_VERIFIED.load_verify_locations(cert)
        tables, blobs = (f"https://127.0.0.1:{match[1]}/{ACCOUNT}" for match in found)
        yield Endpoints(tables, blobs, cert)
