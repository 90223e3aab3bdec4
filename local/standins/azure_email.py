"""Plays Azure Communication Services as far as sending a mail goes, and Entra's token endpoint.

https://learn.microsoft.com/rest/api/communication/email/send and its OpenAPI document (Azure/azure-rest-api-specs,
specification/communication/data-plane/Email/stable/2023-03-31) say what is asked and the form of an error. The statuses are
those of https://learn.microsoft.com/rest/api/communication/errorcodes ; the codes and words that people met are in
https://github.com/Azure/azure-sdk-for-java/issues/39910 (the body) and
https://github.com/MicrosoftDocs/azure-docs/issues/123379 (the domain), the others' words are ours.
"""

import re
from collections.abc import Iterator, Mapping
from uuid import UUID

from local.standins import Asked, Taken, Told
from local.standins.parts.entra import issue, lets_in
from shared import exact
from shared.exact import Json

UNLINKED_DOMAIN = "unlinked.example.com"
MAX_BYTES = 10_000_000
MOST_RECIPIENTS = 50
_ADDRESS = re.compile(r"[^@\s<>\",;]+@[A-Za-z0-9.-]+")
_VERSIONS = ("2023-03-31", "2025-09-01")


def answer(asked: Asked) -> Told:
    """202 with the operation's id for a mail that is taken."""
    if asked.path.endswith("/oauth2/v2.0/token"):
        return issue(asked)
    if not lets_in(asked):
        return _error(401, "Unauthorized", "The request could not be authenticated.")
    return _refusal(asked) or next(_wrongs(exact.members(asked.body) or {}), None) or _taken(asked)


def _taken(asked: Asked) -> Told:
    id = asked.headers.get("operation-id", "8540c0de-899f-5cce-acb5-3ec493af3800")
    place = f"/emails/operations/{id}?api-version={asked.query['api-version']}"
    told = {"id": id, "status": "Running"}
    headers = {"Operation-Location": place, "Retry-After": "20"}
    return Told(202, told, headers, taken=Taken(exact.members(asked.body)))


def _refusal(asked: Asked) -> Told | None:
    if asked.path != "/emails:send":
        return _error(404, "NotFound", "The requested resource does not exist.")
    if asked.method != "POST":
        return _error(405, "MethodNotAllowed", f"{asked.method} is not allowed here.")
    if asked.query.get("api-version") not in _VERSIONS:
        return _error(400, "BadRequest", "The api-version is missing or not supported.")
    if len(asked.body) > MAX_BYTES:
        return _error(413, "RequestEntityTooLarge", "The request is larger than 10 MB.")
    if not _is_uuid(asked.headers.get("operation-id")):
        return _error(400, "BadRequest", "The Operation-Id is no UUID.")
    return None


def _wrongs(mail: Mapping[str, Json]) -> Iterator[Told]:
    sender = mail.get("senderAddress")
    if not isinstance(sender, str) or not _ADDRESS.fullmatch(sender):
        yield _invalid("senderAddress")
    elif sender.endswith(f"@{UNLINKED_DOMAIN}"):
        yield _error(404, "DomainNotLinked", "The specified sender domain has not been linked.")
    content = _members(mail, "content")
    if not isinstance(content.get("subject"), str) or not content["subject"]:
        yield _invalid("content.subject")
    if not any(isinstance(content.get(name), str) and content[name] for name in ("plainText", "html")):
        yield _invalid("content")
    yield from _wrong_recipients(_members(mail, "recipients"))


def _wrong_recipients(recipients: Mapping[str, Json]) -> Iterator[Told]:
    listed = [one for name in ("to", "cc", "bcc") for one in recipients.get(name) or []]
    if not recipients.get("to"):
        yield _invalid("recipients.to")
    if len(listed) > MOST_RECIPIENTS:
        yield _error(400, "BadRequest", "The mail has more than 50 recipients.")
    for one in listed:
        if not isinstance(one, dict) or not _ADDRESS.fullmatch(str(one.get("address", ""))):
            yield _invalid("recipients")


def _members(mail: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    found = mail.get(name)
    return found if isinstance(found, dict) else {}


def _is_uuid(text: str | None) -> bool:
    """The id may be left out, and the service makes one."""
    try:
        return text is None or bool(UUID(text))
    except ValueError:
        return False


def _invalid(member: str) -> Told:
    return _error(400, "BadRequest", f"Request body validation error. See property '{member}'")


def _error(status: int, code: str, message: str) -> Told:
    doc = {"error": {"code": code, "message": message, "target": None, "details": None, "innererror": None}}
    return Told(status, doc, {"x-ms-error-code": code})
