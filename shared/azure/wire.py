"""Rows on Table Storage's wire: their URLs, their JSON, the questions for a range, and what a refusal says.

https://learn.microsoft.com/rest/api/storageservices/table-service-rest-api
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from shared.azure.rows import Entity, row_of
from shared.ports import Operation, Row, Verb

HEADERS: Final = {
    "x-ms-version": "2019-02-02",
    "DataServiceVersion": "3.0",
    "MaxDataServiceVersion": "3.0;NetFx",
    "Accept": "application/json;odata=minimalmetadata",
    "Content-Type": "application/json",
    "Prefer": "return-no-content",
}
METHODS: Final = {
    Verb.INSERT: "POST",
    Verb.UPSERT: "PUT",
    Verb.REPLACE: "PUT",
    Verb.MERGE: "MERGE",
    Verb.DELETE: "DELETE",
}
_TYPE: Final = "@odata.type"
_BINARY: Final = "Edm.Binary"
_ESCAPES: Final = {ord(found): quote(found, safe="") for found in map(chr, range(128))}
"""What `quote` writes for each ASCII character: it takes its time over a text that has one to escape."""


class Refused(Exception):
    """Why a request was refused: the service's error code, and in a transaction the operation that it names."""

    def __init__(self, code: str, index: int = 0) -> None:
        super().__init__(code)
        self.code, self.index = code, index


def url_of(table_url: str, operation: Operation) -> str:
    """Where an operation is sent."""
    return (
        table_url if operation.verb is Verb.INSERT else row_url(table_url, operation.row.pk, operation.row.rk)
    )


def row_url(table_url: str, pk: str, rk: str) -> str:
    """Where a row is."""
    return f"{table_url}(PartitionKey='{_key(pk)}',RowKey='{_key(rk)}')"


def range_url(
    table_url: str, pk: str, low: str, high: str | None, *, page: int, select: Sequence[str] | None
) -> str:
    """Where the rows of a partition with low <= row key < high are, `page` of them in an answer."""
    asked = [f"PartitionKey eq {_text(pk)}", *_between("RowKey", low, high)]
    return _asking(table_url, asked, page, select)


def scan_url(table_url: str, low: str, high: str | None, *, page: int, select: Sequence[str] | None) -> str:
    """Where the rows with low <= partition key < high are, `page` of them in an answer."""
    return _asking(table_url, _between("PartitionKey", low, high), page, select)


def _between(key: str, low: str, high: str | None) -> list[str]:
    """The conditions that a key is not below the one and below the other, as far as there are such."""
    return [
        *([f"{key} ge {_text(low)}"] if low else ()),
        *([f"{key} lt {_text(high)}"] if high is not None else ()),
    ]


def _asking(table_url: str, conditions: Sequence[str], page: int, select: Sequence[str] | None) -> str:
    question = f"$filter={quote(' and '.join(conditions), safe='')}&" if conditions else ""
    members = "" if select is None else f"&$select={','.join(('PartitionKey', 'RowKey', *select))}"
    return f"{table_url}()?{question}$top={page}{members}"


def continuation(headers: Mapping[str, str]) -> str | None:
    """What the URL of a range's next page says more: a page may end early, or be empty, and go on all the same."""
    partition = headers.get("x-ms-continuation-NextPartitionKey")
    if partition is None:
        return None
    row = headers.get("x-ms-continuation-NextRowKey", "")
    return f"&NextPartitionKey={quote(partition, safe='')}&NextRowKey={quote(row, safe='')}"


def condition(operation: Operation) -> dict[str, str]:
    """The header that says which state of a row a write may meet."""
    if operation.verb in (Verb.INSERT, Verb.UPSERT):
        return {}
    return {"If-Match": operation.row.etag or "*"}


def body_of(operation: Operation, entity: Entity) -> str:
    """What is sent of an entity: a deletion sends nothing."""
    return "" if operation.verb is Verb.DELETE else json.dumps(_typed(entity), separators=(",", ":"))


def row_in(document: Mapping[str, Any]) -> Row:
    """The row that a JSON entity says; members of types that a row cannot hold are left out."""
    members: dict[str, object] = {}
    for name, value in document.items():
        if "odata." not in name:
            kind = document.get(name + _TYPE)
            members[name] = value if kind is None else base64.b64decode(value) if kind == _BINARY else None
    return row_of(members, document.get("odata.etag"))


def refusal(status: int, headers: Mapping[str, str], answer: bytes) -> Refused:
    """What a refusal says: its error code, or else its status."""
    start, end = answer.find(b"{"), answer.rfind(b"}")
    try:
        error = json.loads(answer[start : end + 1])["odata.error"]
        index = re.match(r"(\d+):", error["message"]["value"])
        return Refused(str(error["code"]), int(index[1]) if index else 0)
    except (LookupError, TypeError, ValueError):
        return Refused(headers.get("x-ms-error-code") or str(status))


def _key(key: str) -> str:
    doubled = key.replace("'", "''")
    return doubled.translate(_ESCAPES) if doubled.isascii() else quote(doubled, safe="")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _typed(entity: Entity) -> dict[str, str | int | bool]:
    members: dict[str, str | int | bool] = {}
    for name, value in entity.items():
        if isinstance(value, bytes):
            members[name] = base64.b64encode(value).decode()
            members[f"{name}{_TYPE}"] = _BINARY
        else:
            members[name] = value
    return members
