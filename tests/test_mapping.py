import json
from contextlib import suppress
from decimal import Decimal
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import exact
from shared.errors import Invalid
from shared.exact import Json, Number
from shared.expression import MAX_LENGTH
from shared.mapping import (
    MAX_EXPRESSIONS,
    MAX_NESTING,
    apply,
    compile_mapping,
    compiled,
)

ORDER = exact.loads(
    """{"id": 820982911946154508, "total_price": "199.65", "vat": 19.90, "e-mail": "jon@example.com", "note": null,
        "lines": [{"sku": "a", "price": 10.10, "gift": null}, {"sku": "b", "price": 2.20}, {"sku": "c"}]}"""
)


def mapped(expression: str, payload: Json = ORDER) -> Json:
    """What one expression gives; a null is not there."""
    return apply(compile_mapping({"it": expression}), payload).get("it")


def written(expression: str, payload: Json = ORDER) -> str:
    return exact.dumps(mapped(expression, payload))


def faults(error: pytest.ExceptionInfo[Invalid]) -> dict[str, str]:
    return {fault.pointer: fault.detail for fault in error.value.faults}


def refused(doc: Json) -> dict[str, str]:
    with pytest.raises(Invalid) as error:
        compile_mapping(doc)
    return faults(error)


def test_a_document_is_mapped_member_by_member():
    mapping = compile_mapping(
        {
            "event": "'transactions.order-placed'",
            "person": {"email": '"e-mail"', "externalIds": {"shopify": "to_string(id)"}},
            "properties": {"totalValue": "to_number(total_price)", "skus": "lines[*].sku", "note": "note"},
        }
    )

    assert exact.dumps(apply(mapping, ORDER)) == (
        '{"event":"transactions.order-placed",'
        '"person":{"email":"jon@example.com","externalIds":{"shopify":"820982911946154508"}},'
        '"properties":{"totalValue":199.65,"skus":["a","b","c"]}}'
    )


def test_a_mapping_is_applied_again_and_again_and_leaves_the_payload_alone():
    mapping = compile_mapping({"lines": "lines", "sum": "sum(lines[*].price)"})
    before = exact.dumps(ORDER)

    first, second = apply(mapping, ORDER), apply(mapping, ORDER)
    first["lines"][0]["sku"] = "changed"

    assert second["lines"][0]["sku"] == "a"
    assert exact.dumps(ORDER) == before


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("id", "820982911946154508"),
        ("to_string(id)", '"820982911946154508"'),
        ("to_number(total_price)", "199.65"),
        ("vat", "19.90"),
        ("to_string(vat)", '"19.90"'),
        ("to_number(vat)", "19.90"),
        ("to_string(lines[0])", '"{\\"sku\\":\\"a\\",\\"price\\":10.10,\\"gift\\":null}"'),
        ("sum(lines[*].price)", "12.30"),
        ("avg(lines[*].price)", "6.15"),
        ("max(lines[*].price)", "10.10"),
        ("sort(lines[*].price)", "[2.20,10.10]"),
        ("sort_by(lines[:2], &price)[0].sku", '"b"'),
        ("ceil(vat)", "20"),
        ("abs(vat)", "19.90"),
        ("length(lines)", "3"),
        ("type(vat)", '"number"'),
        ("type(note)", '"null"'),
        ("lines[?price > `5`].sku", '["a"]'),
        ("lines[?price == `10.1`].sku", '["a"]'),
        ("contains(lines[*].price, `2.2`)", "true"),
        ("`1.5`", "1.5"),
        ('`[1, {"a": 2.50}]`', '[1,{"a":2.5}]'),
        ("lines[*].{s: sku, g: gift}", '[{"s":"a"},{"s":"b"},{"s":"c"}]'),
        ("[note, id]", "[null,820982911946154508]"),
        ("lines[-1].sku", '"c"'),
        ("join('-', lines[*].sku)", '"a-b-c"'),
        ("note || total_price", '"199.65"'),
    ],
)
def test_an_expression_gives_exactly_this(expression, text):
    assert written(expression) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        " ",
        "12 000",
        "1_000",
        "0x1",
        "NaN",
        "Infinity",
        "1,5",
        "+1",
        "01",
        "[1]",
        "1e999",
        "9" * 65,
        "\u0661",
    ],
)
def test_a_text_that_is_no_number_becomes_none(text):
    assert mapped("to_number(a)", {"a": text}) is None


@pytest.mark.parametrize("expression", ["note", "to_string(note)", "to_string(absent.id)", "to_number(note)"])
def test_what_is_not_there_is_left_out(expression):
    assert apply(compile_mapping({"it": expression}), ORDER) == {}


@pytest.mark.parametrize("payload", [None, True, "text", [], [1], Number("1")])
def test_a_payload_that_is_no_object_maps_to_nothing(payload):
    assert apply(compile_mapping({"it": "a.b", "nested": {"it": "a[0].b"}}), payload) == {"nested": {}}


def test_every_wrong_expression_is_reported_at_once_where_it_stands():
    assert refused(
        {
            "event": "transactions.order-placed extra",
            "person": {"a/b~c": "[", "email": "", "mobile": "foo(@)"},
            "properties": {
                "good": "id",
                "total": "to_number()",
                "list": [],
                "number": Number("1"),
                "bare": "a =",
            },
        }
    ) == {
        "/event": "Unknown token '-' at character 19.",
        "/person/a~1b~0c": "The expression ends too early.",
        "/person/email": "The expression is empty.",
        "/person/mobile": "There is no function foo().",
        "/properties/total": "to_number() takes 1 argument(s), not 0.",
        "/properties/list": "Write a JMESPath expression or an object.",
        "/properties/number": "Write a JMESPath expression or an object.",
        "/properties/bare": "Unknown token '=' at character 3.",
    }


def test_pointers_begin_where_the_document_stands():
    with pytest.raises(Invalid) as error:
        compile_mapping({"event": "]"}, "/types/orders~1create")

    assert list(faults(error)) == ["/types/orders~1create/event"]


@pytest.mark.parametrize(
    ("expression", "detail"),
    [
        ("a" * (MAX_LENGTH + 1), "at most 500 characters"),
        ("`NaN`", "NaN is not a JSON number"),
        ("`1e400`", "not a JSON number"),
        ('`"\\ud800"`', "surrogate"),
        ('"\\ud800"', "surrogate"),
        ("not_null()", "takes at least 1 argument"),
        ("length(a, b)", "takes 1 argument"),
        ("(" * 250 + "a" + ")" * 249, ""),
        ("[@,@]|" * 7 + "@", "repeats its input too often"),
        ("[@,@][]|" * 7 + "@", "repeats its input too often"),
        ("to_string([" * 7 + "@" + "])" * 7, "repeats its input too often"),
        ("map(&[@,@,@], " * 4 + "@" + ")" * 4, "repeats its input too often"),
    ],
)
def test_an_expression_out_of_bounds_is_refused(expression, detail):
    assert detail in refused({"it": expression})["/it"]


def test_a_document_has_a_bounded_number_of_expressions():
    assert list(refused({f"m{n}": "a" for n in range(MAX_EXPRESSIONS + 50)})) == [f"/m{MAX_EXPRESSIONS}"]
    assert compile_mapping({f"m{n}": "a" for n in range(MAX_EXPRESSIONS)})


def test_a_document_is_nested_to_a_bounded_depth():
    doc: Json = "a"
    for _ in range(MAX_NESTING):
        doc = {"m": doc}

    assert compile_mapping(doc)
    assert "at most 8 levels" in next(iter(refused({"m": doc}).values()))


def test_members_without_a_value_of_the_right_type_are_all_named_and_quote_nothing():
    mapping = compile_mapping(
        {
            "good": "id",
            "properties": {
                "sum": "sum(lines[*].sku)",
                "keys": "keys(total_price)",
                "order": '"e-mail" > `5`',
                "step": "lines[::0]",
                "in": 'contains("e-mail", id)',
                "raw": "&id",
            },
        }
    )
    with pytest.raises(Invalid) as error:
        apply(mapping, ORDER)

    assert list(faults(error)) == [
        f"/properties/{name}" for name in ("sum", "keys", "order", "step", "in", "raw")
    ]
    assert error.value.faults[0].expected == "array-number"
    assert error.value.faults[0].received == "string"
    assert "jon@" not in repr(error.value.faults)
    assert "199" not in repr(error.value.faults)


@pytest.mark.parametrize(
    ("expression", "payload"),
    [
        ("sum(a)", {"a": [Number("1e308")] * 20}),
        ("ceil(a)", {"a": Number("1e308")}),
        ("join(a, b)", {"a": "x" * 10_000, "b": [""] * 10_000}),
        ("[@, @]", {str(n): n for n in range(10_000)}),
        ("[[[@]]]", json.loads("[" * 31 + "]" * 31)),
    ],
)
def test_a_result_that_could_not_be_read_again_is_refused(expression, payload):
    with pytest.raises(Invalid):
        mapped(expression, payload)


@pytest.mark.parametrize(
    "expression",
    [
        "[a,a][]|[@,@][]|[@,@][]|[@,@][]|[@,@][]|[@,@][]|length(@)",
        "a[?x > `1`] | [*].{x: x, y: to_string(x)} | sort_by(@, &y)[*].y | length(@)",
        "length(to_string([to_string([to_string([to_string(@)])])]))",
    ],
)
def test_a_mapping_that_works_too_hard_on_a_large_payload_is_stopped_soon(expression):
    payload = {"a": [{"x": Number("1.5"), "y": "\\"} for _ in range(10_000)]}
    mapping = compile_mapping({f"m{n}": expression for n in range(MAX_EXPRESSIONS)})
    began = perf_counter()
    with pytest.raises(Invalid):
        apply(mapping, payload)

    assert perf_counter() - began < 5


def test_floats_that_a_caller_let_in_leave_as_numbers():
    result = apply(compile_mapping({"it": "@"}), {"a": 0.1, "b": 3, "c": True, "d": Decimal("2.50")})

    assert exact.dumps(result["it"]) == '{"a":0.1,"b":3,"c":true,"d":2.50}'
    assert [type(value) for value in result["it"].values()] == [Number, Number, bool, Number]


def test_other_users_of_jmespath_notice_nothing():
    import jmespath

    assert mapped("`1.5`") == Number("1.5")
    assert type(jmespath.search("`1.5`", {})) is float
    assert jmespath.search("to_string(`null`)", {}) == "null"


number_texts = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.text(max_size=10) | number_texts.map(Number),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=15,
)
mapping_copy = compile_mapping(
    {
        "n": "n",
        "text": "to_string(n)",
        "read": "to_number(t)",
        "deep": {"list": "[n, [n]]", "some": "@.{n: n}"},
    }
)


@given(number_texts)
def test_number_text_survives_every_way_through(text):
    result = apply(mapping_copy, exact.loads(f'{{"n": {text}, "t": "{text}"}}'))

    assert exact.dumps(result) == (
        f'{{"n":{text},"text":"{text}","read":{text},"deep":{{"list":[{text},[{text}]],"some":{{"n":{text}}}}}}}'
    )


def without_nulls(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


@given(values)
def test_a_copy_is_the_payload_without_its_null_members(payload):
    expected = {} if payload is None else {"it": without_nulls(payload)}

    assert exact.dumps(apply(compile_mapping({"it": "@"}), payload)) == exact.dumps(expected)


names = st.sampled_from(["a", "b", "@", "`1.5`", "'x'", "`null`"])
expressions = st.recursive(
    names,
    lambda e: st.one_of(
        st.tuples(e, st.sampled_from([" || ", " && ", " | ", " == ", " < ", "."]), e).map("".join),
        st.tuples(
            st.sampled_from(
                ["to_string", "to_number", "sum", "avg", "sort", "keys", "reverse", "ceil", "type"]
            ),
            e,
        ).map(lambda pair: f"{pair[0]}({pair[1]})"),
        st.tuples(e, e).map(lambda pair: f"[{pair[0]}, {pair[1]}]"),
        st.tuples(e, e).map(lambda pair: f"{pair[0]}[?{pair[1]}]"),
        e.map(lambda inner: f"{inner}[*].{{m: @}}"),
    ),
    max_leaves=6,
)


@given(expressions, values)
def test_whatever_comes_out_can_be_written_and_read_again(expression, payload):
    with suppress(Invalid):
        result = apply(compile_mapping({"it": expression}), {"a": payload, "b": [payload]})

        assert exact.loads(exact.dumps(result)) == result


@given(st.text(max_size=60))
def test_any_text_compiles_or_is_refused_where_it_stands(text):
    with suppress(Invalid):
        compile_mapping({"it": text})
        return
    assert list(refused({"it": text})) == ["/it"]


def test_a_mapping_that_is_used_again_is_compiled_once_and_another_is_another():
    doc = {"a": "b", "nested": {"c": "d"}}

    assert compiled(doc) is compiled({"a": "b", "nested": {"c": "d"}})
    assert compiled({**doc, "a": "c"}) is not compiled(doc)
    assert apply(compiled(doc), {"b": 1, "d": 2}) == apply(compile_mapping(doc), {"b": 1, "d": 2})


def test_a_mapping_that_is_wrong_stays_wrong():
    for _ in range(2):
        with pytest.raises(Invalid):
            compiled({"a": "b ||"})
