"""Any other sender: how it shows who it is, and where type, id and time stand, is what its source is set up with."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Literal

from jmespath.exceptions import JMESPathTypeError
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from shared import exact, expression
from shared.bodies import Body, Whole
from shared.errors import Invalid, MalformedBody
from shared.exact import Json, Number
from shared.faults import refusal
from shared.sources import About, Facts, Policy, Received, SharedSecret, SourceKind, Timestamp, Verifier
from shared.sources.genuine import SECRET_HEADER, Proof

POLICY = Policy(gives_up="Not known: it is up to the sender.")

ABOUT = About(
    signed="[as its settings say](#any-other-sender)",
    repeat="what the settings say",
    notes="a sender that has no kind of its own",
)
NEVER_KEPT = frozenset({"authorization", "cookie", "x-functions-key", SECRET_HEADER})
"""Headers that may be credentials, so that no source reads them."""
UNTYPED = "event"
"""The type of all that comes where the source does not say where it stands."""

Header = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,100}$")]
Headers = Annotated[tuple[Header, ...], Field(min_length=1, max_length=4, strict=False)]


def _readable(text: str) -> str:
    try:
        expression.parse(text)
    except expression.Wrong as wrong:
        raise refusal(str(wrong), "JMESPath expression") from None
    return text


Path = Annotated[str, StringConstraints(min_length=1), AfterValidator(_readable)]
"""A JMESPath expression over `{"headers": ..., "body": ...}`."""


class TimestampBody(Body):
    """Where the time of signing stands: in a header, or in a member of the signature header."""

    headers: Annotated[tuple[Header, ...], Field(max_length=4, strict=False)] = ()
    member: Annotated[str, StringConstraints(max_length=20)] = ""
    unit: Literal["s", "ms", "iso"] = "s"
    tolerance_seconds: Annotated[Whole, Field(ge=1, le=86_400)] = 300


class SignatureBody(Body):
    """A sender that signs; the members are those of `Verifier`."""

    scheme: Literal["signature"]
    headers: Headers
    template: Annotated[str, StringConstraints(max_length=200)] = "{raw}"
    mac: Literal["hmac", "secret-first"] = "hmac"
    hash: Literal["sha1", "sha256", "sha512"] = "sha256"
    key_encoding: Literal["utf8", "base64", "hex"] = "utf8"
    key_prefixes: Annotated[tuple[str, ...], Field(max_length=4, strict=False)] = ()
    extract: Literal["plain", "prefix", "kv", "list"] = "plain"
    label: Annotated[str, StringConstraints(max_length=20)] = ""
    between: Literal[",", ";"] = ","
    encoding: Literal["hex", "base64"] = "hex"
    timestamp: TimestampBody | None = None
    id_headers: Annotated[tuple[Header, ...], Field(max_length=4, strict=False)] = ()

    @model_validator(mode="after")
    def _whole(self) -> "SignatureBody":
        try:
            self.proof()
        except ValueError as error:
            raise refusal(f"The members contradict each other: {error}.", "a verifier") from None
        return self

    def proof(self) -> Proof:
        """The verifier. Raises ValueError where members contradict each other."""
        members = self.model_dump(exclude={"scheme", "timestamp"})
        stamp = Timestamp(**self.timestamp.model_dump()) if self.timestamp else None
        return Verifier(**members, timestamp=stamp)


class SecretBody(Body):
    """A sender that carries the secret."""

    scheme: Literal["secret"]
    headers: Headers = (SECRET_HEADER,)

    def proof(self) -> Proof:
        """The secret in one of these headers, as a bearer token, or in the query."""
        return SharedSecret(headers=self.headers)


class Settings(Body):
    """How a source of this kind is set up. `headers`: those that the paths may look at."""

    proof: Annotated[SignatureBody | SecretBody, Field(discriminator="scheme")]
    type: Path | None = None
    id: Path | None = None
    occurred_at: Path | None = None
    headers: Annotated[tuple[Header, ...], Field(max_length=10, strict=False)] = ()

    @model_validator(mode="after")
    def _no_credentials(self) -> "Settings":
        if {*self.headers} & {*NEVER_KEPT, *self.proof.headers}:
            raise refusal("Leave out headers that hold a credential: they are never kept.", "other headers")
        return self


def source(settings: Settings) -> SourceKind:
    """The kind as a source has it."""
    proofs = (settings.proof.proof(),)
    return SourceKind(
        proofs=proofs, policy=POLICY, about=ABOUT, read=partial(read, settings), headers=settings.headers
    )


def read(settings: Settings, received: Received) -> Sequence[Facts]:
    """The facts of a request. The mapping sees its body. Raises Invalid where a path that is set finds no text."""
    payload = exact.loads(received.body)
    headers = {name: received.headers[name] for name in settings.headers if name in received.headers}
    whole = expression.Computation({"headers": headers, "body": payload})
    type = _found(whole, "type", settings.type)
    delivery_id = _found(whole, "id", settings.id)
    return [Facts(type or UNTYPED, delivery_id, payload, _found(whole, "occurredAt", settings.occurred_at))]


def _found(whole: expression.Computation, name: str, path: str | None) -> str | None:
    """What a path finds, a number as its text. An id or a type that is not there would make repeats of strangers."""
    if path is None:
        return None
    try:
        value: Json = whole.of(expression.parse(path))
    except (JMESPathTypeError, ValueError, TypeError, AttributeError, ArithmeticError, MalformedBody):
        value = None  # these errors can quote a person's data, so none of their text is passed on
    if not isinstance(value, str | Number) or not str(value):
        raise Invalid(f"The source's path for {name} finds no text in the request. Correct its settings.")
    return str(value)
