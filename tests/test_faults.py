"""What pydantic finds wrong is told in plain sentences, at the right place, without the value."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from shared import exact
from shared.bodies import read_body
from shared.errors import Fault, Invalid
from shared.faults import MAX_FAULTS, faults_of, matching, pointer, type_word

SECRET = "jane@example.com"


class Border(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=False, extra="forbid", strict=True)


class Item(Border):
    first_name: str


class Sample(Border):
    text: str = ""
    flag: bool = False
    count: int = 0
    short: Annotated[str, Field(max_length=3)] = ""
    long: Annotated[str, Field(min_length=3)] = "long"
    some: Annotated[str, Field(pattern="^[a-z]+$")] = "a"
    days: Annotated[int, Field(ge=1, le=9)] = 1
    above: Annotated[int, Field(gt=1, lt=9)] = 2
    kind: Literal["red", "blue"] = "red"
    url: HttpUrl | None = None
    items: Annotated[list[Item], Field(min_length=1, max_length=2)] = [Item(firstName="a")]
    by_name: dict[str, int] = {}
    form: Annotated[str, matching("[a-z]+", "small letters")] = "a"


def faults(**members: Any) -> list[Fault]:
    with pytest.raises(ValidationError) as error:
        Sample.model_validate(members)
    return faults_of(error.value)


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"text": exact.Number("1")}, Fault("/text", "Send text, in quotes.", "text", "number")),
        ({"flag": "yes"}, Fault("/flag", "Send true or false, without quotes.", "true or false", "text")),
        ({"count": "1"}, Fault("/count", "Send a whole number, without quotes.", "whole number", "text")),
        ({"short": SECRET}, Fault("/short", "Shorten it.", "text of at most 3 characters", "text of 16 characters")),
        ({"long": "a"}, Fault("/long", "Lengthen it.", "text of 3 or more characters", "text of 1 characters")),
        ({"some": SECRET}, Fault("/some", "Write it in the expected form.", "text like ^[a-z]+$", "text")),
        ({"days": 0}, Fault("/days", "Choose a larger number.", "1 or more", "number")),
        ({"days": 10}, Fault("/days", "Choose a smaller number.", "9 or less", "number")),
        ({"above": 1}, Fault("/above", "Choose a larger number.", "more than 1", "number")),
        ({"above": 9}, Fault("/above", "Choose a smaller number.", "less than 9", "number")),
        ({"kind": SECRET}, Fault("/kind", "Choose one of the expected values.", "'red' or 'blue'", "text")),
        ({"items": []}, Fault("/items", "List more of them.", "1 or more items", "list of 0 items")),
        ({"items": {}}, Fault("/items", "Send a list.", "list", "object")),
        ({"items": ["a"]}, Fault("/items/0", "Send an object.", "object", "text")),
        ({"items": [{}]}, Fault("/items/0/firstName", "Add this member: it is required.", None, "nothing")),
        ({"byName": []}, Fault("/byName", "Send an object.", "object", "list")),
        ({"byName": {"a/b~c": "1"}}, Fault("/byName/a~1b~0c", "Send a whole number, without quotes.",
                                           "whole number", "text")),
        ({"form": SECRET}, Fault("/form", "Write it in the expected form.", "small letters", "text")),
        ({"form": "abc\n"}, Fault("/form", "Write it in the expected form.", "small letters", "text")),
        ({"url": SECRET}, Fault("/url", "Send an absolute URL.", "URL", "text")),
        ({"url": "ftp://a"}, Fault("/url", "Use another scheme.", "'http' or 'https' URL", "text")),
        ({"other": True}, Fault("/other", "There is no such member here. Remove it, or correct its name.", None,
                                "true or false")),
        ({"first_name": None}, Fault("/first_name", "There is no such member here. Remove it, or correct its name.",
                                     None, "null")),
    ],
    ids=str,
)  # fmt: skip
def test_a_fault_says_where_what_to_do_and_what_was_seen(members: dict[str, Any], fault: Fault):
    assert faults(**members) == [fault]


def test_faults_come_all_at_once_under_their_prefix():
    with pytest.raises(ValidationError) as error:
        Sample.model_validate({"text": None, "items": [{"firstName": 1, "x": 2}]})

    found = [fault.pointer for fault in faults_of(error.value, "/events/2")]
    assert found == ["/events/2/text", "/events/2/items/0/firstName", "/events/2/items/0/x"]


def test_a_validators_own_sentence_is_passed_on():
    def own(_: str) -> str:
        raise PydanticCustomError("own_type", "{detail}", {"detail": "Use {braces} as you like."})

    def plain(_: str) -> str:
        raise ValueError("Say it otherwise.")

    class Two(Border):
        a: Annotated[str, AfterValidator(own)]
        b: Annotated[str, AfterValidator(plain)]

    with pytest.raises(ValidationError) as error:
        Two.model_validate({"a": SECRET, "b": SECRET})

    assert [fault.detail for fault in faults_of(error.value)] == [
        "Use {braces} as you like.",
        "Say it otherwise.",
    ]


def test_what_has_no_sentence_yet_does_not_quote_the_value():
    class Tagged(Border):
        number: complex

    with pytest.raises(ValidationError) as error:
        Tagged.model_validate({"number": SECRET})

    (fault,) = faults_of(error.value)
    assert fault == Fault("/number", "This does not fit. Compare it with the documentation.", None, "text")


def test_more_faults_than_anyone_reads_are_counted_only():
    found = faults(**{f"x{i}": SECRET for i in range(MAX_FAULTS + 7)})

    assert len(found) == MAX_FAULTS + 1
    assert found[-1] == Fault("", "7 more are not listed. Correct these first.")


def test_a_pointer_cuts_names_of_any_length():
    assert pointer("a" * 101, 3, "b") == "/" + "a" * 100 + "…/3/b"


@pytest.mark.parametrize(
    ("json", "word"),
    [
        ("null", "null"),
        ("true", "true or false"),
        ("1", "number"),
        ('"a"', "text"),
        ("[]", "list"),
        ("{}", "object"),
    ],
)
def test_each_json_type_has_a_word(json: str, word: str):
    assert type_word(exact.loads(json)) == word


def test_reading_a_body_refuses_it_with_its_own_faults_and_those_found_besides():
    also = [Fault("/text", "Also this.")]

    with pytest.raises(Invalid) as refused:
        read_body(Sample, {"flag": 1}, also=lambda _: also)

    assert [fault.pointer for fault in refused.value.faults] == ["/flag", "/text"]
    assert read_body(Sample, {"text": "a"}).text == "a"


def test_a_form_is_told_to_json_schema_too():
    described = Sample.model_json_schema()["properties"]["form"]

    assert described["pattern"] == "^(?:[a-z]+)$"
