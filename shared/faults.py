"""What pydantic finds wrong with a body, said as Faults in plain sentences; a value never appears in them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import AfterValidator, GetJsonSchemaHandler, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_core.core_schema import CoreSchema, ErrorType

from shared.errors import Fault
from shared.exact import Json

MAX_FAULTS = 100
"""How many faults of one body are listed; a last one says how many more there are."""

MAX_SEGMENT = 100
"""How much of a member's name a pointer shows: names that a sender made up may be as long as a body."""

_SAYINGS: Mapping[str, tuple[str, str | None]] = {
    "missing": ("Add this member: it is required.", None),
    "extra_forbidden": ("There is no such member here. Remove it, or correct its name.", None),
    "string_type": ("Send text, in quotes.", "text"),
    "bool_type": ("Send true or false, without quotes.", "true or false"),
    "int_type": ("Send a whole number, without quotes.", "whole number"),
    "none_required": ("Send null.", "null"),
    "dict_type": ("Send an object.", "object"),
    "model_type": ("Send an object.", "object"),
    "list_type": ("Send a list.", "list"),
    "string_too_short": ("Lengthen it.", "text of {min_length} or more characters"),
    "string_too_long": ("Shorten it.", "text of at most {max_length} characters"),
    "string_pattern_mismatch": ("Write it in the expected form.", "text like {pattern}"),
    "too_short": ("List more of them.", "{min_length} or more items"),
    "too_long": ("List fewer of them.", "at most {max_length} items"),
    "greater_than": ("Choose a larger number.", "more than {gt}"),
    "greater_than_equal": ("Choose a larger number.", "{ge} or more"),
    "less_than": ("Choose a smaller number.", "less than {lt}"),
    "less_than_equal": ("Choose a smaller number.", "{le} or less"),
    "literal_error": ("Choose one of the expected values.", "{expected}"),
    "enum": ("Choose one of the expected values.", "{expected}"),
    "union_tag_invalid": ("Choose one of the expected values.", "{expected_tags}"),
    "union_tag_not_found": ("Add the member that says which kind this is.", "{discriminator}"),
    "url_type": ("Send a URL as text.", "URL"),
    "url_parsing": ("Send an absolute URL.", "URL"),
    "url_scheme": ("Use another scheme.", "{expected_schemes} URL"),
    "url_too_long": ("Shorten it.", "URL of at most {max_length} characters"),
}
# pydantic's own message is no fallback: some of them quote the input
_UNSAID: tuple[str, str | None] = ("This does not fit. Compare it with the documentation.", None)
_PYDANTICS_OWN = frozenset(get_args(ErrorType))

_COUNTED = {"string_too_short", "string_too_long", "too_short", "too_long"}
_TYPE_WORDS: Sequence[tuple[type | tuple[type, ...], str]] = (
    (type(None), "null"),
    (bool, "true or false"),
    (str, "text"),
    (Mapping, "object"),
    ((list, tuple), "list"),
)


def faults_of(error: ValidationError, prefix: str = "") -> list[Fault]:
    """Every fault that pydantic found, `prefix` being the pointer to what was validated; at most MAX_FAULTS + 1.

    What a validator of ours says (a custom error's message, a ValueError's text) is passed on as it is, so it may
    not quote the value. Locations are taken for paths in the body: a member of a union adds its tag to them.
    """
    found = error.errors(include_url=False)
    faults = [_fault(details, prefix) for details in found[:MAX_FAULTS]]
    if len(found) > MAX_FAULTS:
        faults.append(Fault(prefix, f"{len(found) - MAX_FAULTS} more are not listed. Correct these first."))
    return faults


def refusal(detail: str, expected: str) -> PydanticCustomError:
    """What a validator of ours raises: what to do, and what would be right."""
    return PydanticCustomError("refusal", "{detail}", {"detail": detail, "expected": expected})


@dataclass(frozen=True, slots=True)
class Matching(AfterValidator):
    """A check of text that JSON Schema has a word for."""

    pattern: str

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Json]:
        return {**handler(core), "pattern": f"^(?:{self.pattern})$"}


def matching(pattern: str, expected: str) -> AfterValidator:
    """Refuses text that does not match as a whole, in words instead of the pattern.

    `pattern` means the same to JSON Schema (ECMA-262), which describes the bodies with it.
    """
    form = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not form.fullmatch(text):
            raise refusal("Write it in the expected form.", expected)
        return text

    return Matching(check, pattern)


def pointer(*path: str | int) -> str:
    """The JSON Pointer (RFC 6901) of a path, its segments cut to MAX_SEGMENT characters."""
    return "".join("/" + _segment(str(step)) for step in path)


def type_word(value: Json) -> str:
    """The type of a JSON value in a word for people."""
    for types, word in _TYPE_WORDS:
        if isinstance(value, types):
            return word
    return "number"


def _fault(details: ErrorDetails, prefix: str) -> Fault:
    place = prefix + pointer(*(step for step in details["loc"] if step != "[key]"))
    return Fault(place, *_said(details), _received(details))


def _said(details: ErrorDetails) -> tuple[str, str | None]:
    """(detail, expected)"""
    context: dict[str, Any] = details.get("ctx", {})
    if details["type"] not in _PYDANTICS_OWN:
        return details["msg"], context.get("expected")
    if details["type"] == "value_error":
        return str(context["error"]), None
    detail, expected = _SAYINGS.get(details["type"], _UNSAID)
    return detail, expected and expected.format_map(context)


def _received(details: ErrorDetails) -> str:
    if details["type"] == "missing":
        return "nothing"
    word = type_word(details["input"])
    if details["type"] not in _COUNTED:
        return word
    return f"{word} of {len(details['input'])} {'characters' if word == 'text' else 'items'}"


def _segment(name: str) -> str:
    shown = name if len(name) <= MAX_SEGMENT else name[:MAX_SEGMENT] + "…"
    return shown.replace("~", "~0").replace("/", "~1")
