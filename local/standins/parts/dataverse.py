"""What every request to Dataverse's Web API has to be, and the errors that it answers.

Their form and codes are those of
https://learn.microsoft.com/power-apps/developer/data-platform/webapi/compose-http-requests-handle-errors and
https://learn.microsoft.com/power-apps/developer/data-platform/reference/web-service-error-codes .
"""

from collections.abc import Sequence

from local.standins import Asked, Told
from local.standins.parts.entra import issue, lets_in

ROOT = "/api/data/v9.2/"


def refusal(asked: Asked, methods: Sequence[str] = ("POST",)) -> Told | None:
    """What is answered before the body is looked at: a token to who asks for one, or that a request is none."""
    if asked.path.endswith("/oauth2/v2.0/token"):
        return issue(asked)
    if not lets_in(asked):
        return Told(401, headers={"www-authenticate": 'Bearer authorization_uri="https://login.example"'})
    if not asked.path.startswith(ROOT):
        return unknown(asked)
    if asked.method not in methods:
        return error(
            405, "0x80060888", f"The requested resource does not support http method '{asked.method}'."
        )
    if asked.headers.get("content-type", "").partition(";")[0] != "application/json":
        return error(415, "0x80060888", "The content type is not supported.")
    return None


def unknown(asked: Asked) -> Told:
    """What the path names does not exist."""
    segment = asked.path.rpartition("/")[2]
    return error(404, "0x8006088a", f"Resource not found for the segment '{segment}'.")


def wrong_payload(message: str = "Error identified in Payload provided by the user.") -> Told:
    """The body is not what it should be."""
    return error(400, "0x80048d19", message)


def error(status: int, code: str, message: str) -> Told:
    """An error of the Web API (OData JSON 4.0, section 19)."""
    return Told(status, {"error": {"code": code, "message": message}})
