"""A world in which any one call of a port can fail or end the process, and which then starts again on its stores."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from functions import queues
from shared import flow
from shared.access.caller import Caller
from shared.errors import Unavailable
from shared.messages import read_commit, read_delivery
from shared.operations.tick import tick
from shared.ports import Answer, NoAnswer, Outgoing, Row
from shared.wiring import assemble
from tests.fakes import FakeBlobs, FakeClock, FakeIdentity, FakeQueue, FakeSeal, FakeTables, Rows
from tests.house import OK, House

MAX_DELIVERIES = 10
"""So often the bus delivers a message that is not completed, then it is dead-lettered."""
DAYS = (
    *(timedelta(seconds=31), timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=5)),
    *(timedelta(minutes=20), timedelta(minutes=40)),
    *[timedelta(hours=1)] * 6,
    *[timedelta(hours=8)] * 9,
)
"""How time passes until everything has ended: the sweeper sends again after an hour and looks once an hour."""
Fault = Literal["killed", "unavailable", "outage", "tables away", "bus away"]
"""What happens at a call: the process ends, the call fails, or from it on all calls, or those of a port, fail."""
Moment = Literal["before", "after"]


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Fuse:
    """Counts the calls of all ports, and has its fault at call `at`, before or after that takes effect."""

    fault: Fault = "killed"
    moment: Moment = "before"
    at: int = 0
    calls: int = 0

    async def through(self, process: "Process", port: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """Make the call, or fail as this fuse says. A dead process makes no calls."""
        if process.dead:
            raise Killed
        self.calls += 1
        if not self._fails(port):
            return await call()
        if self.moment == "after":
            await call()
        if self.fault == "killed":
            process.dead = True
            raise Killed
        if port == "http":
            return NoAnswer("connect" if self.moment == "before" else "broken")
        raise Unavailable("away")

    def _fails(self, port: str) -> bool:
        if self.fault in ("killed", "unavailable"):
            return self.calls == self.at
        return 0 < self.at <= self.calls and self.fault in ("outage", f"{port} away")


@dataclass
class Process:
    """Whose calls are made: what one that has ended leaves running makes none any more."""

    dead: bool = False


class Guarded:
    """A port of a process whose every call goes through the fuse."""

    def __init__(self, name: str, port: Any, fuse: Fuse, process: Process) -> None:
        self._name, self._port, self._fuse, self._process = name, port, fuse, process

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._port, name)

        async def call(*args: Any, **options: Any) -> Any:
            return await self._fuse.through(self._process, self._name, lambda: method(*args, **options))

        return call

    async def range(self, *args: Any, **options: Any) -> Any:
        """Read whole, so that it is one call: it fails before the first row."""
        for row in await self._fuse.through(self._process, self._name, lambda: self._read(*args, **options)):
            yield row

    async def _read(self, *args: Any, **options: Any) -> list[Row]:
        return [row async for row in self._port.range(*args, **options)]


@dataclass
class Receiver:
    """A destination: answers what is scripted for a URL, then 200; remembers what arrived."""

    script: list[Answer | NoAnswer] = field(default_factory=list)
    requests: list[tuple[Outgoing, int]] = field(default_factory=list)

    async def send(self, request: Outgoing, *, timeout_seconds: float) -> Answer | NoAnswer:
        answer = self.script.pop(0) if self.script else OK
        self.requests.append((request, answer.status if isinstance(answer, Answer) else 0))
        return answer


@dataclass
class Message:
    """One message on the bus, and how often it was delivered."""

    queue: str
    body: str
    at: datetime | None
    deliveries: int = 0

    def get_body(self) -> bytes:
        """As the trigger is given it."""
        return self.body.encode()


class Bus(FakeQueue):
    """At least once: what was not completed comes again, ten times, then it is dead-lettered."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Message] = []
        self.dead: list[Message] = []
        self.away = False

    async def send(self, queue: str, bodies: Sequence[str], *, at: datetime | None = None) -> None:
        if self.away:
            raise Unavailable("away")
        self.messages += [Message(queue, body, at) for body in bodies]

    def ready(self, now: datetime) -> Message | None:
        """The next message that is visible."""
        return next((one for one in self.messages if one.at is None or one.at <= now), None)

    def abandon(self, message: Message) -> None:
        message.deliveries += 1
        if message.deliveries >= MAX_DELIVERIES:
            self.messages.remove(message)
            self.dead.append(message)


class World:
    """The stores, and one process after the other on them."""

    caller = Caller("demo", frozenset(), "key", "checkout", "checkout")

    def __init__(self, fuse: Fuse, tables: Mapping[str, Rows] | None = None, *, patient: bool = True) -> None:
        """`tables` are copied. `patient`: clients repeat what was not answered or answered with 503."""
        self.fuse, self.patient, self.process = fuse, patient, Process()
        self.tables, self.blobs, self.bus = FakeTables(), FakeBlobs(), Bus()
        self.tables.tables = {name: dict(rows) for name, rows in (tables or {}).items()}
        self.receiver, self.clock = Receiver(), FakeClock()
        self.acknowledged: set[str] = set()
        self.raised: list[BaseException] = []
        self.start()

    def start(self) -> None:
        """A new process with nothing in memory, in place of the one before."""
        self.process.dead = True
        self.process = process = Process()
        self.house = self.beside(lambda name, port: Guarded(name, port, self.fuse, process))

    def beside(self, guarded: Callable[[str, Any], Any] = lambda _, port: port) -> House:
        """Another process on the same stores, which no fault meets."""
        line = assemble(
            tables=guarded("tables", self.tables),
            blobs=guarded("blobs", self.blobs),
            queue=guarded("bus", self.bus),
            http=guarded("http", self.receiver),
            identity=FakeIdentity(),
            seal=FakeSeal(),
            clock=self.clock,
        )
        house = House(line, self.tables, self.bus, self.receiver, self.clock)  # type: ignore[arg-type]
        house.caller = self.caller
        return house

    async def ask(self, request: Callable[[House], Awaitable[Any]]) -> Any:
        """A client's request: its answer, or None where it got none and gave up."""
        for _ in range(3):
            try:
                return await request(self.house)
            except Killed:
                self.start()
            except Unavailable as error:
                self.raised.append(error)
            if not self.patient:
                break
        return None

    async def work(self) -> None:
        """The queue triggers take what is ready until nothing is."""
        while message := self.bus.ready(self.clock.now()):
            try:
                await self._trigger(message)
            except Killed:
                self.start()
                self.bus.abandon(message)
            except Exception as error:  # noqa: BLE001  (whatever it is, the host abandons the message)
                self.raised.append(error)
                self.bus.abandon(message)
            else:
                self.bus.messages.remove(message)

    async def tick(self) -> None:
        """The timer fires; what a killed one left is taken up by the next."""
        try:
            await tick(self.house.line)
        except Killed:
            self.start()

    async def pass_(self, **time: float) -> None:
        """Time passes, what was cached is forgotten, the timer fires, and the queues are worked off."""
        self.clock.pass_(**time)
        self.start()
        await self.tick()
        await self.work()

    async def settle(self, wrongs: Callable[[], list[str]]) -> tuple[list[str], timedelta]:
        """Days pass without another fault, until nothing is wrong; answers what still is, and how long it took."""
        self.fuse.at = 0
        begun = self.clock.now()
        for time in DAYS:
            await self.pass_(seconds=time.total_seconds())
            if not wrongs():
                break
        return wrongs(), self.clock.now() - begun

    async def _trigger(self, message: Message) -> None:
        line, body = self.house.line, message.get_body()
        commit = message.queue == "events"
        work = flow.process(line, read_commit(body)) if commit else flow.deliver(line, read_delivery(body))
        await queues.work_off(line, message.queue, message, work)  # type: ignore[arg-type]
