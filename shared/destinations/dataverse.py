"""What the destinations in Dataverse share: the organization, its access by Entra, and the headers of its Web API."""

from collections.abc import Mapping

from pydantic import Field

from shared.destinations.access import Access
from shared.destinations.entra import EntraSettings, access_to
from shared.destinations.settings import BaseUrl, PerMinute, rate

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
    # 6,000 requests in five minutes of a user on each web server, of which a small environment has one.
    # https://learn.microsoft.com/power-apps/developer/data-platform/api-limits
    per_minute: PerMinute | None = rate(
        1_200, "Dataverse takes 1,200 of an application user on each of its web servers."
    )


def access(settings: DataverseSettings, secrets: Mapping[str, str]) -> Access:
    """A token for the organization."""
    return access_to(f"{settings.organization}/.default", settings, secrets)


def account(settings: DataverseSettings, _secrets: Mapping[str, str]) -> str:
    """The application user, whose requests of all kinds count together."""
    return f"{settings.organization}|{settings.client_id}"
