"""The write-only secrets of a destination: what each must look like, and which Signalbox can make itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.errors import Fault, Invalid
from shared.faults import pointer


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret of a kind.

    `expected` says in words what it has to be, and `fits` decides. `make` is for those that Signalbox makes when a
    destination is set up without them, from 32 random bytes. `sent` says whether a request holds it, rather than what it
    has signed: then it is kept only as long as the destination stays where it is.
    """

    expected: str
    fits: Callable[[str], bool] = bool
    required: bool = True
    sent: bool = True
    make: Callable[[bytes], str] | None = None


def made(wanted: Mapping[str, Secret], random: bytes) -> dict[str, str]:
    """The secrets that Signalbox makes for a new destination."""
    return {name: secret.make(random) for name, secret in wanted.items() if secret.make}


def check(kind: str, wanted: Mapping[str, Secret], given: Mapping[str, str]) -> None:
    """Raises Invalid with a fault for each secret that is unknown, missing, or cannot work."""
    unknown = [
        Fault(pointer("secrets", name), "Leave it out.", _known(wanted))
        for name in given
        if name not in wanted
    ]
    missing = [
        Fault(pointer("secrets", name), "Give the secret.", secret.expected, "missing")
        for name, secret in wanted.items()
        if secret.required and not given.get(name)
    ]
    wrong = [
        Fault(pointer("secrets", name), "Give a secret of the expected form.", secret.expected, "other text")
        for name, secret in wanted.items()
        if given.get(name) and not secret.fits(given[name])
    ]
    if faults := [*unknown, *missing, *wrong]:
        raise Invalid(f"The secrets do not fit a {kind} destination.", faults=faults)


def _known(wanted: Mapping[str, Secret]) -> str:
    return ", ".join(wanted) or "no secrets"
