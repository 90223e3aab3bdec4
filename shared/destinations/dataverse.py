"""What the destinations in Dataverse share: the organization, its access by Entra, and the headers of its Web API."""

from collections.abc import Mapping

from pydantic import Field

from shared.destinations.access import Access
from shared.destinations.entra import EntraSettings, access_to
from shared.destinations.settings import BaseUrl

JSON_HEADERS: Mapping[str, str] = {
    # https://learn.microsoft.com/power-apps/developer/data-platform/webapi/compose-http-requests-handle-errors
    "accept": "application/json",
    "content-type": "application/json; charset=utf-8",
    "odata-maxversion": "4.0",
    "odata-version": "4.0",
    "user-agent": "Signalbox/1.0",
}


class DataverseSettings(EntraSettings):
    """The organization, of which the app registration or the managed identity is an application user."""

    organization: BaseUrl = Field(
        title="Organization URL", description="Such as https://contoso.crm4.dynamics.com."
    )


def access(settings: DataverseSettings, secrets: Mapping[str, str]) -> Access:
    """A token for the organization."""
    return access_to(f"{settings.organization}/.default", settings, secrets)
