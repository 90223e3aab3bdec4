"""What a mapping leaves out of a payload."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import exact
from shared.mapping import apply, compile_mapping
from shared.watch import Watch

PAYLOAD = exact.loads(
    '{"id": 7, "who": {"email": "a", "phone": null}, "lines": [{"sku": "x", "n": 1}, {"sku": "y", "n": 2}],'
    ' "tags": ["p", "q"], "empty": {}, "a/b~c": true}'
)
ALL = [
    "/id",
    "/who/email",
    "/who/phone",
    "/lines/0/sku",
    "/lines/0/n",
    "/lines/1/sku",
    "/lines/1/n",
    "/tags/0",
    "/tags/1",
    "/empty",
    "/a~1b~0c",
]


def left(*expressions, payload=PAYLOAD):
    watch = Watch(payload)
    doc = {f"m{n}": one for n, one in enumerate(expressions)}
    apply(compile_mapping(doc), payload, watch)
    return list(watch.left())


@pytest.mark.parametrize(
    ("expression", "taken"),
    [
        ("`1`", []),
        ("id", ["/id"]),
        ("to_string(id)", ["/id"]),
        ("who.email || who.phone", ["/who/email"]),
        ("who.phone || who.email", ["/who/email", "/who/phone"]),
        ("who", ["/who/email", "/who/phone"]),
        ("{a: who.email}", ["/who/email"]),
        ("[id, who]", ["/id", "/who/email", "/who/phone"]),
        ("lines[0].sku", ["/lines/0/sku"]),
        ("lines[-1]", ["/lines/1/sku", "/lines/1/n"]),
        ("lines[*].sku", ["/lines/0/sku", "/lines/1/sku"]),
        ("lines[?n==`2`].sku | [0]", ["/lines/0/n", "/lines/1/sku", "/lines/1/n"]),
        ("tags", ["/tags/0", "/tags/1"]),
        ("tags[*]", ["/tags/0", "/tags/1"]),
        ("join(',', tags)", ["/tags/0", "/tags/1"]),
        ("length(lines)", ["/lines/0/sku", "/lines/0/n", "/lines/1/sku", "/lines/1/n"]),
        ("empty", ["/empty"]),
        ('"a/b~c"', ["/a~1b~0c"]),
        ("@", ALL),
    ],
)
def test_what_an_expression_takes_is_not_left(expression, taken):
    assert left(expression) == [one for one in ALL if one not in taken]


def test_expressions_of_one_mapping_take_together():
    assert left("id", "who", "lines", "tags", "empty", '"a/b~c"') == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9).map(lambda n: exact.loads(str(n))) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(JSON)
def test_of_any_payload_all_is_left_or_all_is_taken(payload):
    assert left("@", payload=payload) == []
    assert len(left("`1`", payload=payload)) == len(set(left("`1`", payload=payload)))
