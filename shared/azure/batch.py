"""A lean `$batch` writer: one transaction as one multipart request, encoded by hand.

The SDK's own multipart coding costs more than everything else on the accept path together. The wire format is
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from email.utils import formatdate
from typing import Any, Final
from urllib.parse import quote, urlsplit

from azure.core import AsyncPipelineClient
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline import PipelineRequest
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy, SansIOHTTPPolicy, UserAgentPolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest

from shared.azure.rows import Entity
from shared.ports import Operation, Verb

VERSION: Final = "2019-02-02"
SCOPE: Final = "https://storage.azure.com/.default"
_BATCH, _CHANGES = "batch_signalbox", "changeset_signalbox"
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3})")
_METHODS: Final = {
    Verb.INSERT: "POST",
    Verb.UPSERT: "PUT",
    Verb.REPLACE: "PUT",
    Verb.MERGE: "MERGE",
    Verb.DELETE: "DELETE",
}

_HEADERS: Final = {
    "Content-Type": f"multipart/mixed; boundary={_BATCH}",
    "x-ms-version": VERSION,
    "DataServiceVersion": "3.0",
    "MaxDataServiceVersion": "3.0;NetFx",
    "Accept": "application/json",
}

Signing = SansIOHTTPPolicy[Any, Any] | AsyncBearerTokenCredentialPolicy[Any, Any]


class Refused(Exception):
    """Why a transaction was refused as a whole: the service's error code, and the operation that it names."""

    def __init__(self, code: str, index: int) -> None:
        super().__init__(code)
        self.code, self.index = code, index


class BatchWriter:
    """Sends transactions to one account, each once: whether one is repeated is for the caller to decide."""

    def __init__(self, endpoint: str, sign: Signing, seconds: float) -> None:
        """`sign` is a policy that authorises requests; `seconds` bound a connection and each answer."""
        self._endpoint = endpoint.rstrip("/")
        self._client: AsyncPipelineClient[HttpRequest, AsyncHttpResponse] = AsyncPipelineClient(
            self._endpoint,
            policies=[UserAgentPolicy("signalbox"), sign],
            connection_timeout=seconds,
            read_timeout=seconds,
        )

    async def send(self, table: str, operations: Sequence[Operation], entities: Sequence[Entity]) -> None:
        """Raises Refused when nothing was written, and what azure-core raises when there is no answer."""
        body = encode(f"{self._endpoint}/{table}", operations, entities)
        headers = {**_HEADERS, "x-ms-date": formatdate(usegmt=True)}
        request = HttpRequest("POST", f"{self._endpoint}/$batch", content=body, headers=headers)
        async with await self._client.send_request(request) as response:
            check(response.status_code, await response.read())

    async def close(self) -> None:
        await self._client.close()


class SharedKeyLite(SansIOHTTPPolicy[Any, Any]):
    """Signs with an account key, as the emulator wants it (in Azure keys are off and a token is used).

    https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
    """

    def __init__(self, account: str, key: str) -> None:
        self._account, self._key = account, base64.b64decode(key)

    def on_request(self, request: PipelineRequest[Any]) -> None:
        date = request.http_request.headers["x-ms-date"]
        path = urlsplit(request.http_request.url).path
        signed = hmac.digest(self._key, f"{date}\n/{self._account}{path}".encode(), hashlib.sha256)
        request.http_request.headers["Authorization"] = (
            f"SharedKeyLite {self._account}:{base64.b64encode(signed).decode()}"
        )


def bearer(credential: AsyncTokenCredential) -> AsyncBearerTokenCredentialPolicy[Any, Any]:
    """Signs with a managed identity's token."""
    return AsyncBearerTokenCredentialPolicy(credential, SCOPE)


def from_connection_string(text: str) -> tuple[str, Signing]:
    """The table endpoint of a connection string with an account key, and how requests to it are signed."""
    parts = dict(part.split("=", 1) for part in text.strip(";").split(";") if "=" in part)
    if not parts.keys() >= {"AccountName", "AccountKey"}:
        raise ValueError("the connection string for storage needs AccountName and AccountKey")
    account = parts["AccountName"]
    default = f"https://{account}.table.{parts.get('EndpointSuffix', 'core.windows.net')}"
    return parts.get("TableEndpoint", default), SharedKeyLite(account, parts["AccountKey"])


def encode(table_url: str, operations: Sequence[Operation], entities: Sequence[Entity]) -> bytes:
    """The multipart body of a transaction."""
    parts = [
        _part(table_url, number, operation, entity)
        for number, (operation, entity) in enumerate(zip(operations, entities, strict=True))
    ]
    head = f"--{_BATCH}\r\nContent-Type: multipart/mixed; boundary={_CHANGES}\r\n\r\n"
    return f"{head}{''.join(parts)}--{_CHANGES}--\r\n--{_BATCH}--\r\n".encode()


def check(status: int, answer: bytes) -> None:
    """Raises Refused unless the answer says that all was written; a refused one has a single part with the error."""
    statuses = [int(found) for found in _STATUS.findall(answer)]
    if status == 202 and statuses and max(statuses) < 300:
        return
    start, end = answer.find(b"{"), answer.rfind(b"}")
    try:
        error = json.loads(answer[start : end + 1])["odata.error"]
        index = re.match(r"(\d+):", error["message"]["value"])
        refused = Refused(str(error["code"]), int(index[1]) if index else 0)
    except (LookupError, TypeError, ValueError):
        refused = Refused(str(max(statuses, default=status)), 0)
    raise refused


def _part(table_url: str, number: int, operation: Operation, entity: Entity) -> str:
    lines = [
        f"--{_CHANGES}",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        f"Content-ID: {number}",
        "",
        f"{_METHODS[operation.verb]} {_url(table_url, operation)} HTTP/1.1",
        "Content-Type: application/json",
        "Accept: application/json;odata=minimalmetadata",
        "Prefer: return-no-content",
        "DataServiceVersion: 3.0",
        *_condition(operation),
        "",
        "" if operation.verb is Verb.DELETE else json.dumps(_properties(entity), separators=(",", ":")),
        "",
    ]
    return "\r\n".join(lines)


def _url(table_url: str, operation: Operation) -> str:
    if operation.verb is Verb.INSERT:
        return table_url
    pk, rk = (quote(key.replace("'", "''"), safe="") for key in (operation.row.pk, operation.row.rk))
    return f"{table_url}(PartitionKey='{pk}',RowKey='{rk}')"


def _condition(operation: Operation) -> list[str]:
    if operation.verb in (Verb.INSERT, Verb.UPSERT):
        return []
    return [f"If-Match: {operation.row.etag or '*'}"]


def _properties(entity: Entity) -> dict[str, str | int | bool]:
    members: dict[str, str | int | bool] = {}
    for name, value in entity.items():
        if isinstance(value, bytes):
            members[name] = base64.b64encode(value).decode()
            members[f"{name}@odata.type"] = "Edm.Binary"
        else:
            members[name] = value
    return members
