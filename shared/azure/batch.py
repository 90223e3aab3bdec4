"""A lean `$batch` writer: one transaction as one multipart body, encoded by hand.

The SDK's own multipart coding costs more than everything else on the accept path together. The wire format is
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

import re
from collections.abc import Sequence
from typing import Final

from shared.azure.rows import Entity
from shared.azure.wire import METHODS, body_of, condition, refusal, url_of
from shared.ports import Operation

_BATCH, _CHANGES = "batch_signalbox", "changeset_signalbox"
CONTENT_TYPE: Final = f"multipart/mixed; boundary={_BATCH}"
_PART: Final = re.compile(rb"HTTP/1\.1 (\d{3})")
_ETAG: Final = re.compile(rb"\r\netag: *([^\r]+)\r\n", re.IGNORECASE)


def encode(table_url: str, operations: Sequence[Operation], entities: Sequence[Entity]) -> bytes:
    """The multipart body of a transaction."""
    parts = [
        _part(table_url, number, operation, entity)
        for number, (operation, entity) in enumerate(zip(operations, entities, strict=True))
    ]
    head = f"--{_BATCH}\r\nContent-Type: multipart/mixed; boundary={_CHANGES}\r\n\r\n"
    return f"{head}{''.join(parts)}--{_CHANGES}--\r\n--{_BATCH}--\r\n".encode()


def etags(status: int, answer: bytes) -> list[str | None]:
    """What an answer that all was written says: each row's new etag, None for one that was deleted.

    Raises Refused for any other answer; a refused transaction has a single part with the error.
    """
    # What stands before the first status is the envelope; the rest is statuses and what belongs to each, in turn.
    _, *found = _PART.split(answer)
    statuses = [int(one) for one in found[::2]]
    if status != 202 or not statuses or max(statuses) >= 300:
        raise refusal(max(statuses, default=status), {}, answer)
    return [_etag(part) for part in found[1::2]]


def _etag(part: bytes) -> str | None:
    found = _ETAG.search(part)
    return found[1].decode() if found else None


def _part(table_url: str, number: int, operation: Operation, entity: Entity) -> str:
    lines = [
        f"--{_CHANGES}",
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        f"Content-ID: {number}",
        "",
        f"{METHODS[operation.verb]} {url_of(table_url, operation)} HTTP/1.1",
        "Content-Type: application/json",
        "Accept: application/json;odata=minimalmetadata",
        "Prefer: return-no-content",
        "DataServiceVersion: 3.0",
        *(f"{name}: {value}" for name, value in condition(operation).items()),
        "",
        body_of(operation, entity),
        "",
    ]
    return "\r\n".join(lines)
