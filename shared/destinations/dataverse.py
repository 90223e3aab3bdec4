"""What the destinations in Dataverse share: the organization, its access by Entra, and the headers of its Web API."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from shared.destinations.access import Access, OwnIdentity, client_credentials
from shared.destinations.secrets import Secret
from shared.destinations.settings import BaseUrl, DestinationSettings
from shared.faults import refusal

JSON_HEADERS: Mapping[str, str] = {
    # https://learn.microsoft.com/power-apps/developer/data-platform/webapi/compose-http-requests-handle-errors
    "accept": "application/json",
    "content-type": "application/json; charset=utf-8",
    "odata-maxversion": "4.0",
    "odata-version": "4.0",
    "user-agent": "Signalbox/1.0",
}
ENTRA_SECRETS: Mapping[str, Secret] = {
    "clientSecret": Secret("the secret of the app registration's, its value and not its id", required=False)
}


Guid = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]


class DataverseSettings(DestinationSettings):
    """The organization and the application user. Without tenant and client it is this app's managed identity."""

    organization: BaseUrl = Field(
        title="Organization URL", description="Such as https://contoso.crm4.dynamics.com."
    )
    tenant_id: Guid | None = Field(None, title="Tenant", description="The Entra tenant's id.")
    client_id: Guid | None = Field(
        None,
        title="Client",
        description="The app registration that is an application user of the organization.",
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


def access(settings: DataverseSettings, secrets: Mapping[str, str]) -> Access:
    """The client credentials grant of Entra, or the app's own identity.

    https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
    """
    scope = f"{settings.organization}/.default"
    if settings.tenant_id is None or settings.client_id is None:
        return OwnIdentity(scope)
    url = f"{settings.authority}/{settings.tenant_id}/oauth2/v2.0/token"
    return client_credentials(url, settings.client_id, secrets.get("clientSecret", ""), scope)
