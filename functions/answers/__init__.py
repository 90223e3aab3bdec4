"""What the doors answer when all went well, as `GET /openapi.json` describes it. Members are named as on the wire.

Nothing is checked against this when an answer is sent: a description that is wrong fails the tests, not the caller.
They are typing_extensions' typed dictionaries, because pydantic reads typing's own from Python 3.12 on only, and
because they cost nothing at import.
"""

from typing import Annotated, Literal

from shared.bodies import DATE_TIME

Time = Annotated[str, DATE_TIME]
"""RFC 3339 with an offset."""

Running = Literal["active", "paused"]
