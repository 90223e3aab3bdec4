"""The app's own identity: the managed one that the deployment gives it, asked for a token when a destination needs one."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared.ports import AccessToken

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

_log = logging.getLogger("signalbox.identity")


class AppIdentity:
    """The `Identity` port, on a credential that is made when it is first needed."""

    def __init__(self, credential: "Callable[[], AsyncTokenCredential]") -> None:
        self._credential = credential

    async def token(self, scope: str) -> AccessToken | None:
        """None where there is no managed identity here, as on a developer's machine, or it gets no such token."""
        from azure.core.exceptions import AzureError  # noqa: PLC0415

        try:
            found = await self._credential().get_token(scope)
        except (AzureError, ValueError) as error:
            _log.warning("the app's identity gets no token: %s", type(error).__name__)
            return None
        return AccessToken(found.token, datetime.fromtimestamp(found.expires_on, UTC))
