"""What the destinations have in common that Entra's tokens open: an app registration, or else the app's own identity."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from shared.destinations.access import Access, OwnIdentity, client_credentials
from shared.destinations.secrets import Secret
from shared.destinations.settings import BaseUrl, DestinationSettings
from shared.faults import refusal

ENTRA_SECRETS: Mapping[str, Secret] = {
    "clientSecret": Secret("the secret of the app registration's, its value and not its id", required=False)
}

Guid = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]


class EntraSettings(DestinationSettings):
    """Who is let in. Without tenant and client it is this app's managed identity."""

    tenant_id: Guid | None = Field(None, title="Tenant", description="The Entra tenant's id.")
    client_id: Guid | None = Field(
        None, title="Client", description="The app registration that may do there what is done."
    )
    authority: BaseUrl = Field(
        "https://login.microsoftonline.com",
        title="Authority",
        description="Where tokens come from; another one in national clouds.",
    )

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.tenant_id is None) != (self.client_id is None):
            raise refusal("Set both, or neither for the managed identity.", "tenantId and clientId")
        return self

    @property
    def is_own_identity(self) -> bool:
        """Whether the app itself is let in, whose token may open more than this destination."""
        return self.client_id is None


def access_to(scope: str, settings: EntraSettings, secrets: Mapping[str, str]) -> Access:
    """The client credentials grant of Entra for a scope, or the app's own identity.

    https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
    """
    if settings.tenant_id is None or settings.client_id is None:
        return OwnIdentity(scope)
    url = f"{settings.authority}/{settings.tenant_id}/oauth2/v2.0/token"
    return client_credentials(url, settings.client_id, secrets.get("clientSecret", ""), scope)
