"""What a command says: progress and results on the terminal, errors without a traceback."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from local.storage import NoStorage, NotSignedIn
from shared import exact
from shared.errors import SignalboxError
from shared.operations.backup_file import Unreadable

console = Console(highlight=False)


def say(what: str) -> None:
    """One quiet line."""
    console.print(Text(what, "dim"))


def fail(message: str) -> NoReturn:
    """End the command with an error."""
    Console(stderr=True, highlight=False).print(Text(message, "red"), soft_wrap=True)
    raise typer.Exit(1)


@contextmanager
def failing() -> Iterator[None]:
    """What storage refuses ends the command and says what to do."""
    try:
        yield
    except SignalboxError as error:
        fail("\n".join([error.detail, *(f"{fault.pointer}: {fault.detail}" for fault in error.faults)]))
    except ValidationError as error:
        fail(f"Set {', '.join(str(one['loc'][0]).upper() for one in error.errors())}.")
    except (NoStorage, NotSignedIn, Unreadable, OSError) as error:
        fail(str(error))


def answer(ask: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Print as JSON what storage answers, and give it; or end the command as `failing` does."""
    with failing():
        doc = asyncio.run(ask())
    console.print_json(exact.dumps(doc))
    return doc
