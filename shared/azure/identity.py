"""The app's own identity: the managed one that the deployment gives it, asked for a token when a destination needs one."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared import logs
from shared.ports import AccessToken

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential


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
            logs.warn("azure", "no token", part="identity", error=logs.name_of(error))
            return None
        return AccessToken(found.token, datetime.fromtimestamp(found.expires_on, UTC))
