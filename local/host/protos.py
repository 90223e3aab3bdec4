"""Stand-ins for the worker's protobuf messages, which the runtime only touches by attribute.

The real ones: https://github.com/Azure/azure-functions-language-worker-protobuf
"""

from typing import TYPE_CHECKING, Any, ClassVar


class Proto:
    """Holds the fields that were given; the others do not exist, as the runtime expects."""

    _oneof: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf's name
        return next((name for name in self._oneof if self.__dict__.get(name) is not None), None)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class TypedData(Proto):
    _oneof = (
        "string",
        "json",
        "bytes",
        "http",
        "int",
        "double",
        "collection_bytes",
        "collection_string",
        "collection_double",
        "collection_sint64",
        "model_binding_data",
    )


class ParameterBinding(Proto):
    _oneof = ("data",)


class BindingInfo(Proto):
    out, inout = 1, 2
    undefined, string, binary, stream = 0, 1, 2, 3


# A keyword in Python, and a name that the runtime reads.
setattr(BindingInfo, "in", 0)


class StatusResult(Proto):
    Failure, Success, Cancelled = 0, 1, 2


class RpcRetryOptions(Proto):
    exponential_backoff, fixed_delay = 0, 1


class SameSite:
    Lax, Strict, ExplicitNone = "Lax", "Strict", "None"


setattr(SameSite, "None", "")


class RpcHttpCookie(Proto):
    SameSite = SameSite


class RpcHttp(Proto):
    pass


class WorkerInitResponse(Proto):
    pass


class WorkerMetadata(Proto):
    pass


class FunctionMetadataResponse(Proto):
    pass


class RpcFunctionMetadata(Proto):
    pass


class FunctionLoadResponse(Proto):
    pass


class InvocationResponse(Proto):
    pass


class RpcException(Proto):
    pass


class NullableString(Proto):
    pass


class NullableBool(Proto):
    pass


class NullableDouble(Proto):
    pass


class NullableTimestamp(Proto):
    pass


class Timestamp(Proto):
    pass
