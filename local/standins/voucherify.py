"""Plays Voucherify's API as far as tracking a custom event goes.

The errors have the form and the keys of https://docs.voucherify.io/api-reference/errors ; the example of an unknown
customer, and what the body must hold, are from the vendor's OpenAPI description of `POST /v1/events`.
"""

from collections.abc import Iterator, Mapping

from local.standins import Asked, Taken, Told
from shared import exact
from shared.exact import Json

PATH = "/v1/events"
REFUSED_TOKEN = "wrong-secret"  # noqa: S105
"""Any other token is right."""
UNKNOWN_CUSTOMER = "cust_unknown"
"""An id that no customer here has."""
LOCKED_CARD = "L-LOCKED"
"""The code of a loyalty card that another request has in hand for ever."""


def answer(asked: Asked) -> Told:
    """200 with the event for one that is taken."""
    if not asked.headers.get("x-app-id") or asked.headers.get("x-app-token", "") in ("", REFUSED_TOKEN):
        return _error(401, "unauthorized", "Unauthorized", "Check the application id and its secret.")
    if asked.path != PATH:
        return _error(404, "not_found", "Resource not found", f"There is no {asked.path}.")
    if asked.method != "POST":
        hint = f"{asked.method} is not supported by this endpoint. Did you mean POST?"
        return Told(405, {"code": 405, "message": "HTTP Method Not Allowed", "details": hint})
    if asked.headers.get("content-type", "").partition(";")[0] != "application/json":
        return _error(415, "unsupported_media_type", "Unsupported Media Type", "Send application/json.")
    doc = exact.members(asked.body) or {}
    return next(_wrongs(doc), None) or Told(200, _event(doc), taken=Taken(doc.get("metadata")))


def _wrongs(doc: Mapping[str, Json]) -> Iterator[Told]:
    event, customer = doc.get("event"), doc.get("customer")
    if not isinstance(event, str) or not 0 < len(event) <= 300:
        yield _invalid("Property .event should have 1 to 300 characters")
    if not isinstance(customer, dict):
        yield _error(400, "missing_customer", "Missing customer", "Property .customer is required")
        return
    if not any(isinstance(customer.get(name), str) for name in ("id", "source_id", "email", "phone")):
        yield _error(400, "invalid_customer", "Invalid customer", "Nothing says who the customer is")
    if customer.get("id") == UNKNOWN_CUSTOMER:
        details = f"Cannot find customer with id {UNKNOWN_CUSTOMER}"
        yield _error(404, "not_found", "Resource not found", details, UNKNOWN_CUSTOMER, "customer")
    if not isinstance(doc.get("metadata", {}), dict):
        yield _invalid("Property .metadata should be an object")
    for name in ("loyalty", "referral"):
        yield from _wrong_code(name, doc.get(name))


def _wrong_code(name: str, told: Json) -> Iterator[Told]:
    if told is None:
        return
    code = told.get("code") if isinstance(told, dict) else None
    if not isinstance(code, str):
        yield _invalid(f"Property .{name}.code should be a string")
    if code == LOCKED_CARD:
        yield _error(
            423, "resource_locked", "Resource locked", "Another request is under way", code, "voucher"
        )


def _event(doc: Mapping[str, Json]) -> Json:
    customer = {"id": "cust_standin", "name": None, "email": None, "metadata": {}, **doc["customer"]}
    return {
        "object": "event",
        "type": doc["event"],
        "customer": {**customer, "object": "customer"},
        "referral": None,
        "loyalty": None,
        "metadata": doc.get("metadata", {}),
    }


def _invalid(details: str) -> Told:
    return _error(400, "invalid_payload", "Invalid payload", details)


def _error(
    code: int, key: str, message: str, details: str, resource: str | None = None, of: str | None = None
) -> Told:
    about = {"resource_id": resource, "resource_type": of} if resource else {}
    told = {"code": code, "key": key, "message": message, "details": details, "request_id": "v-standin"}
    return Told(code, {**told, **about})
