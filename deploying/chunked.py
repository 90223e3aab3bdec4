"""Finds out whether a body that comes with `Transfer-Encoding: chunked` reaches the app.

The Functions host has handed such a body on empty: https://github.com/Azure/azure-functions-host/issues/4926
"""

import http.client
import json
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

from deploying.smoke_event import event
from deploying.trouble import Trouble

TIMEOUT_SECONDS = 30
PIECE_BYTES = 16


def chunked_reaches(url: str, key: str) -> bool:
    """Whether an event in pieces is taken in; False where the app asks for a length. Raises Trouble for all else."""
    status = _status(url, key, json.dumps(event("chunked")).encode())
    if status == HTTPStatus.ACCEPTED:
        return True
    if status == HTTPStatus.LENGTH_REQUIRED:
        return False
    raise Trouble(
        f"An event with Transfer-Encoding: chunked was answered {status}, neither 202 nor 411: what stands before the "
        "app refuses it, or the key is not known. See docs/deploying.md#a-front-for-chunked-bodies."
    )


def _status(url: str, key: str, body: bytes) -> int:
    place = urlsplit(url)
    of_scheme = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    connection = of_scheme(place.netloc, timeout=TIMEOUT_SECONDS)
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Transfer-Encoding": "chunked",
    }
    try:
        connection.request("POST", f"{place.path}/v1/events", _pieces(body), headers, encode_chunked=True)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise Trouble(f"{url} did not answer an event in pieces ({type(error).__name__}).") from None
    finally:
        connection.close()


def _pieces(body: bytes) -> Iterator[bytes]:
    return (body[at : at + PIECE_BYTES] for at in range(0, len(body), PIECE_BYTES))
