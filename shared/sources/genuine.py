"""Whether a request is its sender's: by signature, or by a secret that it carries, whichever the kind knows."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.sources.received import Received
from shared.sources.verifier import MAX_HEADER, Reason, Rejected, Verified, Verifier, verify

SECRET_HEADER = "x-signalbox-secret"  # noqa: S105  (a header's name)


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """A sender that signs nothing and carries the secret itself: in a header, as a bearer token, or in the query.

    Of these places the first that holds something decides. Weaker than a signature: who sees one request knows the
    secret, and neither body nor time is bound to it.
    """

    headers: tuple[str, ...] = (SECRET_HEADER,)
    bearer: bool = True
    query: tuple[str, ...] = ("code", "access_token")

    def is_present(self, received: Received) -> bool:
        """Whether the request carries any secret."""
        return self.carried(received) is not None

    def carried(self, received: Received) -> str | None:
        """The secret that the request carries."""
        return received.header(*self.headers) or self._token(received) or received.parameter(*self.query)

    def _token(self, received: Received) -> str | None:
        scheme, _, token = received.headers.get("authorization", "").partition(" ")
        return token.strip() or None if self.bearer and scheme.lower() == "bearer" else None


Proof = Verifier | SharedSecret
"""One way in which a sender shows that it is itself."""


def check(
    proofs: Sequence[Proof], received: Received, secrets: Sequence[str], now: datetime
) -> Verified | Rejected:
    """Check a request by the first proof that it brings along, or by the first of all. Never raises.

    `proofs` are the stronger before the weaker. One that is there and does not hold is never made good by another.
    """
    chosen = next((one for one in proofs if one.is_present(received)), proofs[0])
    if isinstance(chosen, Verifier):
        return verify(chosen, received, secrets, now)
    return _compared(chosen.carried(received), secrets)


def _compared(carried: str | None, secrets: Sequence[str]) -> Verified | Rejected:
    """Every secret is compared in constant time, whichever one fits."""
    if carried is None:
        return Rejected(Reason.MISSING)
    if len(carried) > MAX_HEADER:
        return Rejected(Reason.MALFORMED)
    fits = [hmac.compare_digest(_bytes(carried), _bytes(secret)) for secret in secrets]
    return Verified(fits.index(True)) if any(fits) else Rejected(Reason.MISMATCH)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
