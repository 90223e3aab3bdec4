"""Which listener each indexed function gets, from its bindings and the environment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final

from local.host import ncrontab
from local.host.listener import Handle, Listener
from local.host.protos import TypedData
from local.host.pump_embedded import EmbeddedPump
from local.host.servicebus_data import QueueMessage, batch_data, single_data
from local.host.settings import BadSettings, ServiceBus, is_disabled, resolve
from local.host.timers import Timer
from local.host.worker import FunctionFailed, IndexedFunction, invoke

_EMBEDDED: Final = "embedded:"
_SUPPORTED: Final = frozenset({"httpTrigger", "serviceBusTrigger", "timerTrigger", "http"})


@dataclass(frozen=True, slots=True)
class _Limits:
    """How many calls run at once, how many messages each gets, and how long their locks are renewed."""

    concurrency: int
    batch: int
    renewal_seconds: float


def enabled(functions: Sequence[IndexedFunction], environ: Mapping[str, str]) -> list[IndexedFunction]:
    """The functions that are not disabled. Raises BadSettings for a binding that this host does not run."""
    chosen = [function for function in functions if not is_disabled(function.name, environ)]
    for function in chosen:
        for binding in function.bindings:
            if binding["type"] not in _SUPPORTED:
                raise BadSettings(f"function {function.name}: the local host does not run {binding['type']}")
    return chosen


def listeners(
    functions: Sequence[IndexedFunction],
    environ: Mapping[str, str],
    service_bus: ServiceBus,
    *,
    timers: bool,
) -> Iterator[Listener]:
    """A pump per Service Bus trigger and, unless `timers` is off, a timer per timer trigger.

    Raises BadSettings for a connection, an expression or a schedule that cannot be used.
    """
    for function in functions:
        if function.trigger["type"] == "serviceBusTrigger":
            yield _pump(function, environ, service_bus)
        elif function.trigger["type"] == "timerTrigger" and timers:
            yield _timer(function, environ)


def _pump(function: IndexedFunction, environ: Mapping[str, str], service_bus: ServiceBus) -> Listener:
    trigger = function.trigger
    if trigger.get("isSessionsEnabled"):
        raise BadSettings(f"function {function.name}: the local host does not run sessions")
    entity = _entity(trigger, environ)
    many = str(trigger.get("cardinality", "")).upper() == "MANY"
    # Batches are handled one at a time: https://learn.microsoft.com/azure/azure-functions/functions-concurrency
    concurrency = 1 if many else service_bus.max_concurrent_calls
    batch = service_bus.max_message_batch_size if many else 1
    limits = _Limits(concurrency, batch, service_bus.max_auto_lock_renewal_duration.total_seconds())
    return _connected(trigger["connection"], environ, entity, _handler(function, many=many), limits)


def _connected(
    name: str, environ: Mapping[str, str], entity: str, handle: Handle, limits: _Limits
) -> Listener:
    connection = environ.get(name, "")
    if connection.startswith(_EMBEDDED):
        path = connection.removeprefix(_EMBEDDED)
        return EmbeddedPump(path, entity, handle, **asdict(limits))
    if not connection.startswith("Endpoint="):
        raise BadSettings(f"set {name} to a connection string or to {_EMBEDDED}<file>")
    try:
        from local.host.pump_servicebus import ServiceBusPump
    except ImportError as error:
        raise BadSettings(f"{name}: install python-qpid-proton, or use {_EMBEDDED}<file>") from error
    return ServiceBusPump(connection, entity, handle, **asdict(limits))


def _entity(trigger: Mapping[str, str], environ: Mapping[str, str]) -> str:
    if "queueName" in trigger:
        return resolve(trigger["queueName"], environ)
    return resolve(f"{trigger['topicName']}/Subscriptions/{trigger['subscriptionName']}", environ)


def _handler(function: IndexedFunction, *, many: bool) -> Handle:
    async def handle(messages: Sequence[QueueMessage]) -> bool:
        data, metadata = batch_data(messages) if many else single_data(messages[0])
        try:
            await invoke(function, data, metadata)
        except FunctionFailed:
            return False
        return True

    return handle


def _timer(function: IndexedFunction, environ: Mapping[str, str]) -> Listener:
    try:
        schedule = ncrontab.parse(resolve(function.trigger["schedule"], environ))
        schedule.following(datetime.now(UTC))
    except ValueError as error:
        raise BadSettings(f"function {function.name}: {error}") from error

    async def fire(data: TypedData) -> None:
        try:
            await invoke(function, data)
        except FunctionFailed:
            return

    on_startup = bool(function.trigger.get("runOnStartup"))
    return Timer(schedule, fire, lambda: datetime.now(UTC), run_on_startup=on_startup)
