"""What an SDK raises, in the words of the ports; what they do not name is Unavailable, logged by its code only."""

import json
from typing import Any

from azure.core.exceptions import HttpResponseError

from shared import logs
from shared.azure.storage_http import NoAnswer
from shared.azure.wire import Refused
from shared.errors import Unavailable


def code_of(error: BaseException) -> str:
    """The service's own name of the error, or its HTTP status, or what broke: never anything that was sent."""
    if isinstance(error, Refused):
        return error.code
    if isinstance(error, NoAnswer):
        return str(error)
    if not isinstance(error, HttpResponseError):
        return type(error).__name__
    code = getattr(error, "error_code", None) or _code_in_answer(error)
    return str(getattr(code, "value", code) or error.status_code or type(error).__name__)


def unavailable(part: str, error: BaseException) -> Unavailable:
    """The error to raise when `part` (say, "Table Storage") did not do what it was asked."""
    logs.warn("azure", "failed", part=part, error=code_of(error))
    return Unavailable(f"{part} is not available right now. Repeat the same request later.")


def _code_in_answer(error: HttpResponseError) -> Any:
    """azure-data-tables decodes errors everywhere but in create_entity."""
    answer: Any = error.response
    try:
        return str(json.loads(answer.text())["odata.error"]["code"])
    except (AttributeError, LookupError, TypeError, ValueError):
        return getattr(answer, "headers", {}).get("x-ms-error-code")
