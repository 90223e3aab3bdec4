"""How keys are made in tests, and refused."""

from typing import Any

import pytest

from shared import exact
from shared.access import tokens
from shared.access.keys import Keys
from shared.errors import Unauthenticated

BODY = {"name": "Checkout", "scopes": ["events:write"], "source": "checkout"}
RANDOM = bytes(range(tokens.RANDOM_BYTES))


def body(**members: Any) -> Any:
    return exact.loads(exact.dumps({**BODY, **members}))


async def refusal(keys: Keys, text: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await keys.authenticate(text)
    return caught.value.detail
