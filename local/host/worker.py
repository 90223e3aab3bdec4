"""Microsoft's Python worker library: load an app, say what is in it, call its functions."""

import asyncio
import functools
import json
import logging
import sys
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import azure_functions_runtime as runtime

from local.host import protos
from local.host.protos import TypedData

logger = logging.getLogger(__name__)

# The runtime keeps the id of async calls in one thread-local that all of them share, so logs need this one.
invocation_id: Final[ContextVar[str]] = ContextVar("invocation_id", default="")


class IndexingFailed(Exception):
    """The runtime refused the app; the text is the runtime's own."""


class FunctionFailed(Exception):
    """A function raised, or answered what its binding cannot carry. It is logged already."""


@dataclass(frozen=True, slots=True)
class IndexedFunction:
    """A function as the runtime indexed it; `bindings` are its raw binding documents."""

    name: str
    function_id: str
    bindings: tuple[Mapping[str, Any], ...]

    @property
    def trigger(self) -> Mapping[str, Any]:
        return next(binding for binding in self.bindings if binding["type"].lower().endswith("trigger"))


def index(root: Path | str) -> list[IndexedFunction]:
    """Load the app in `root` and list its functions in the order of their registration.

    An app can be loaded once in a process: the answer is kept, and code that changed later is not seen.
    Must not be called from a running event loop (there: `await load(root)`). Raises IndexingFailed.
    """
    return _index_once(str(Path(root).resolve()))


@functools.cache
def _index_once(root: str) -> list[IndexedFunction]:
    return asyncio.run(load(root))


async def load(root: str) -> list[IndexedFunction]:
    """Import function_app.py of `root`, an absolute path, under the runtime's own rules. Raises IndexingFailed."""
    sys.path.insert(0, root)
    sys.modules.pop("function_app", None)
    # One line per invocation otherwise; it is the app's own namespace, so only this level is touched.
    logging.getLogger("azure.functions").setLevel(logging.WARNING)
    start = SimpleNamespace(capabilities={}, function_app_directory=root)
    answer = await runtime.worker_init_request(_message(worker_init_request=start))
    if answer.result.status != protos.StatusResult.Success:
        raise IndexingFailed(f"{answer.result.exception.message}\n{answer.result.exception.stack_trace}")
    listed = await runtime.functions_metadata_request(_message())
    if not listed.function_metadata_results:
        raise IndexingFailed(f"no functions were found: does function_app.py in {root} register any?")
    return [_indexed(function) for function in listed.function_metadata_results]


async def invoke(
    function: IndexedFunction,
    data: TypedData,
    metadata: Mapping[str, TypedData] | None = None,
    trace: tuple[str, str] = ("", ""),
) -> TypedData | None:
    """Call a function with its trigger's data and answer its return value.

    `trace` is traceparent and tracestate. Raises FunctionFailed after logging the exception's name:
    its text may hold what a person sent.
    """
    call = uuid.uuid4()
    token = invocation_id.set(str(call))
    try:
        answer = await runtime.invocation_request(_invocation(function, call, data, metadata or {}, trace))
        if answer.result.status != protos.StatusResult.Success:
            name = answer.result.exception.message.partition(":")[0]
            logger.error("function %s failed: %s", function.name, name)
            raise FunctionFailed(name)
    finally:
        invocation_id.reset(token)
    value: TypedData | None = answer.return_value
    return value


def _invocation(
    function: IndexedFunction,
    call: uuid.UUID,
    data: TypedData,
    metadata: Mapping[str, TypedData],
    trace: tuple[str, str],
) -> SimpleNamespace:
    # The host always has an activity; without the caller's it is a new one.
    parent = trace[0] or f"00-{call.hex}-{call.hex[16:]}-00"
    request = SimpleNamespace(
        invocation_id=str(call),
        function_id=function.function_id,
        input_data=[protos.ParameterBinding(name=function.trigger["name"], data=data)],
        trigger_metadata=metadata,
        trace_context=SimpleNamespace(trace_parent=parent, trace_state=trace[1], attributes={}),
        retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
    )
    return _message(invocation_request=request)


def _message(**content: object) -> SimpleNamespace:
    return SimpleNamespace(
        request=SimpleNamespace(**content), properties={"host": "127.0.0.1", "protos": protos}
    )


def _indexed(function: protos.RpcFunctionMetadata) -> IndexedFunction:
    return IndexedFunction(
        name=function.name,
        function_id=function.function_id,
        bindings=tuple(json.loads(binding) for binding in function.raw_bindings),
    )
