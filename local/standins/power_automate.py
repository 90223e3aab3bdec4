"""Plays the HTTP request trigger of a flow, as Azure Logic Apps and Power Automate have it.

https://learn.microsoft.com/azure/connectors/connectors-native-reqres says what is answered when; the errors' codes are those
that people met: https://github.com/Azure/logicapps/issues/624 (no version, no signature),
https://github.com/Azure/logicapps/issues/1157 (two authorizations).
"""

import hmac
import re

from local.standins import Asked, Taken, Told
from shared import exact
from shared.errors import SignalboxError

SIGNATURE = "c3RhbmRpbi1zaWduYXR1cmU"
OFF = "00000000000000000000000000000000"
"""The flow that is turned off."""
UNKNOWN = "ffffffffffffffffffffffffffffffff"
_PATH = re.compile(r"/workflows/([0-9a-f]{32})/triggers/manual/paths/invoke")


def answer(asked: Asked) -> Told:
    """202 with the run's id, as a flow without a Response action answers."""
    found = _PATH.fullmatch(asked.path)
    if found is None or found[1] == UNKNOWN:
        return _error(404, "WorkflowNotFound", "The workflow could not be found.")
    if refused := _unauthorized(asked):
        return refused
    if found[1] == OFF:
        detail = f"Could not execute workflow '{OFF}' trigger 'manual' with state 'Disabled': trigger is not enabled."
        return _error(400, "WorkflowTriggerIsNotEnabled", detail)
    if asked.method != "POST":
        detail = f"The trigger 'manual' is for the method 'POST', not '{asked.method}'."
        return _error(400, "TriggerRequestMethodNotValid", detail)
    run = {"x-ms-workflow-run-id": "08584000000000000000000000000CU00"}
    return _wrong_body(asked) or Told(202, headers=run, taken=Taken(exact.members(asked.body)))


def _unauthorized(asked: Asked) -> Told | None:
    if "api-version" not in asked.query:
        detail = "The api-version query parameter (?api-version=) is required for all requests."
        return _error(400, "MissingApiVersionParameter", detail)
    if "sig" not in asked.query:
        detail = "The request must be authenticated only by Shared Access scheme."
        return _error(401, "DirectApiAuthorizationRequired", detail)
    if asked.headers.get("authorization"):
        return _error(400, "DirectApiRequestHasMoreThanOneAuthorization", "Only one scheme should be used.")
    if not hmac.compare_digest(asked.query["sig"].encode(), SIGNATURE.encode()):
        detail = "The provided authorization signature is not valid."
        return _error(401, "DirectApiInvalidAuthorizationSignature", detail)
    return None


def _wrong_body(asked: Asked) -> Told | None:
    if asked.headers.get("content-type", "").partition(";")[0] != "application/json":
        return _mismatch("Expected Object but got String.")
    try:
        doc = exact.loads(asked.body)
    except SignalboxError:
        return _error(400, "InvalidRequestContent", "The request content is not valid and could not be read.")
    if not isinstance(doc, dict):
        return _mismatch("Expected Object.")
    missing = [name for name in ("type", "timestamp", "data") if name not in doc]
    return (
        _mismatch(f"Required properties are missing from object: {', '.join(missing)}.") if missing else None
    )


def _mismatch(what: str) -> Told:
    detail = "The input body for trigger 'manual' of type 'Request' did not match its schema definition."
    return _error(400, "TriggerInputSchemaMismatch", f"{detail} {what}")


def _error(status: int, code: str, message: str) -> Told:
    return Told(status, {"error": {"code": code, "message": message}})
