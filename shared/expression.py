"""One JMESPath expression over exact JSON: checked and bounded when it is read, exact when it is computed.

JMESPath is as https://jmespath.org/specification.html says, with two differences. Numbers are exact decimals:
what is copied keeps its text, what is computed carries 50 significant digits. And `to_string` of null is null, so
that a member which is missing never becomes the identifier "null".
"""

import json
from collections.abc import Iterator
from decimal import Context, localcontext
from math import prod
from typing import Any

import jmespath
from jmespath.exceptions import IncompleteExpressionError, JMESPathError, LexerError, ParseError
from jmespath.functions import REVERSE_TYPES_MAP, TYPES_MAP, Functions, signature
from jmespath.parser import ParsedResult
from jmespath.visitor import Options, TreeInterpreter

from shared import exact
from shared.errors import MalformedBody
from shared.exact import Json, Number
from shared.watch import Watch

MAX_LENGTH = 500
"""Characters in an expression."""
MAX_GROWTH = 64
"""How many times an expression may repeat what it is given: it bounds the size of the result."""
MAX_STEPS = 200_000
"""Nodes visited for one payload: about a quarter of a second."""
MAX_JOINED = 1_048_576
"""Characters that the separators of one join() may come to."""

Node = Any
"""A node of the syntax tree, as jmespath builds it."""


class Wrong(Exception):
    """What is wrong with an expression, as a sentence for its author."""


def parse(text: str) -> ParsedResult:
    """Read an expression, to be computed many times. Raises Wrong."""
    if len(text) > MAX_LENGTH:
        raise Wrong(f"An expression has at most {MAX_LENGTH} characters.")
    try:
        node = _exact_node(jmespath.compile(text).parsed)
    except (JMESPathError, RecursionError, MalformedBody) as error:
        raise Wrong(_sentence(error)) from None
    if _growth(node) > MAX_GROWTH:
        raise Wrong("The expression repeats its input too often. Split it, or select fewer members.")
    return ParsedResult(text, node)


def words(node: Node) -> Iterator[str]:
    """The names of members and the literal texts that an expression's tree holds."""
    if node["type"] in ("field", "literal", "key_val_pair") and isinstance(node.get("value"), str):
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, dict):
            yield from words(child)


class Computation:
    """Computes expressions over one payload; MAX_STEPS holds for all of them together."""

    def __init__(self, payload: Json, watch: Watch | None = None) -> None:
        self._payload = payload
        self._interpreter = _Interpreter(watch)

    def of(self, expression: ParsedResult) -> Any:
        """What the expression gives: JSON, but its numbers may be any of Number, Decimal and int.

        Raises JMESPathTypeError for a function's argument, and whatever Python raises where an operator mixes
        types; the text of these errors can quote the payload. Raises ValueError when there are too many steps.
        """
        with localcontext(_ARITHMETIC):
            return self._interpreter.visit(expression.parsed, self._payload)


def type_name(python_name: str) -> str:
    """JMESPath's word for a Python type."""
    return TYPES_MAP.get(python_name, python_name)


def _sentence(error: Exception) -> str:
    match error:
        case IncompleteExpressionError():
            return "The expression ends too early."
        case LexerError():
            return f"{error.message} at character {error.lex_position + 1}."
        case ParseError():
            return f"{error.msg} at character {error.lex_position + 1}."
        case MalformedBody():
            return error.detail
        case RecursionError():
            return "The expression is nested too deeply."
        case _:
            return "The expression is empty."


def _exact_node(node: Node) -> Node:
    """The same tree, its literals as exact JSON; unknown functions and wrong counts of arguments are refused here."""
    children = [_exact_node(child) if isinstance(child, dict) else child for child in node["children"]]
    if node["type"] == "function_expression":
        _check_call(node["value"], len(children))
    rebuilt = {**node, "children": children}
    if "value" in node and node["type"] != "index":
        rebuilt["value"] = exact.loads(json.dumps(node["value"]))
    return rebuilt


def _check_call(name: str, arguments: int) -> None:
    known = _Functions.FUNCTION_TABLE.get(name)
    if known is None:
        raise Wrong(f"There is no function {name}().")
    least = len(known["signature"])
    variadic = least and known["signature"][-1].get("variadic")
    if arguments < least or (arguments > least and not variadic):
        raise Wrong(f"{name}() takes {'at least ' if variadic else ''}{least} argument(s), not {arguments}.")


def _growth(node: Node) -> int:
    """An upper bound of how many times larger than its input the node's result can be."""
    parts = [_growth(child) for child in node["children"] if isinstance(child, dict)]
    if node["type"] in ("multi_select_list", "multi_select_dict"):
        return max(1, sum(parts))
    if node["type"] == "function_expression":
        # JSON inside JSON text doubles its escapes at every level
        escapes = 2 if node["value"] == "to_string" else 1
        return max(1, sum(parts), prod(parts)) * escapes
    return prod(parts)


class _Functions(Functions):
    """The functions of JMESPath that must know about exact numbers."""

    @signature({"types": []})
    def _func_to_string(self, value: Any) -> str | None:
        return value if value is None or isinstance(value, str) else exact.dumps(value)

    @signature({"types": []})
    def _func_to_number(self, value: Any) -> Json:
        """Null for a text that is not a JSON number, as the specification says."""
        if not isinstance(value, str):
            return None if isinstance(value, (bool, list, dict)) else value
        try:
            number = exact.loads(value) if len(value) <= exact.MAX_DIGITS else None
        except MalformedBody:
            return None
        return number if isinstance(number, Number) else None

    @signature({"types": []})
    def _func_type(self, value: Any) -> str:
        return TYPES_MAP[type(value).__name__]

    @signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, texts: list[str]) -> str:
        if len(separator) * len(texts) > MAX_JOINED:
            raise ValueError("joins to a text that is too long")
        return separator.join(texts)


class _Interpreter(TreeInterpreter):
    """Walks the tree of an expression and counts its steps; long lists and texts count as several."""

    def __init__(self, watch: Watch | None) -> None:
        super().__init__(_OPTIONS)
        self._left = MAX_STEPS
        self._watch = watch

    def visit(self, node: Node, *args: Any, **kwargs: Any) -> Any:
        result = super().visit(node, *args, **kwargs)
        self._left -= 1 + (len(result) // 16 if isinstance(result, (list, str)) else 0)
        if self._left < 0:
            raise ValueError("too many steps")
        if self._watch:
            self._watch.saw(node, args[0], result)
        return result


# jmespath knows types by their class name; this adds ours beside int and float and changes nothing for others
TYPES_MAP.update(Number="number", Decimal="number")
REVERSE_TYPES_MAP["number"] += ("Number", "Decimal")

_OPTIONS = Options(custom_functions=_Functions())
_ARITHMETIC = Context(prec=50)
