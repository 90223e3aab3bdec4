"""The request that most APIs take: a JSON document by POST."""

import base64
from collections.abc import Mapping

from shared import exact
from shared.exact import Json
from shared.ports import Outgoing

_HEADERS = {"accept": "application/json", "content-type": "application/json", "user-agent": "Signalbox/1.0"}


def post_json(url: str, doc: Json, headers: Mapping[str, str]) -> Outgoing:
    """It, with an API's own headers, which may say another `accept` and `content-type`."""
    return Outgoing("POST", url, {**_HEADERS, **headers}, exact.dumps(doc).encode())


def basic(user: str, password: str) -> str:
    """The value of `authorization` for a user and a password (RFC 7617 section 2)."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
