"""Rows as Table Storage itself tells them, over plain HTTP: none of the code under test has a part in it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from email.utils import formatdate
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

Entity = Mapping[str, Any]
"""A row with its `PartitionKey` and `RowKey`; what is binary is in Base64."""


def rows(storage: str, table: str, *select: str) -> list[Entity]:
    """Every row of a table, in all partitions, with its keys and the selected members.

    `storage` is the account's connection string.
    """
    parts = dict(part.split("=", 1) for part in storage.split(";"))
    members = quote(",".join(("PartitionKey", "RowKey", *select)))
    url = f"{parts['TableEndpoint']}/{table}()?$select={members}"
    return [row for page in _pages(url, parts) for row in page]


def bytes_of(entity: Entity, name: str) -> bytes:
    """A binary member."""
    return base64.b64decode(entity[name])


def _pages(url: str, account: Mapping[str, str]) -> Iterator[Sequence[Entity]]:
    more: str | None = ""
    while more is not None:
        headers = {"Accept": "application/json;odata=nometadata", **_signed(url, account)}
        try:
            with urlopen(Request(url + more, headers=headers), timeout=30) as answer:  # noqa: S310
                yield json.load(answer)["value"]
                more = _continuation(answer.headers)
        except HTTPError as error:
            if error.code != 404:
                raise
            return  # nothing has been written to this table yet


def _continuation(headers: Mapping[str, str]) -> str | None:
    found = [(name, headers.get(f"x-ms-continuation-{name}")) for name in ("NextPartitionKey", "NextRowKey")]
    return "".join(f"&{name}={quote(value)}" for name, value in found if value) or None


def _signed(url: str, account: Mapping[str, str]) -> dict[str, str]:
    """https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key (Shared Key Lite for tables)."""
    date, name = formatdate(usegmt=True), account["AccountName"]
    text = f"{date}\n/{name}{urlsplit(url).path}".encode()
    signature = base64.b64encode(hmac.digest(base64.b64decode(account["AccountKey"]), text, hashlib.sha256))
    return {
        "x-ms-date": date,
        "x-ms-version": "2019-02-02",
        "Authorization": f"SharedKeyLite {name}:{signature.decode()}",
    }
