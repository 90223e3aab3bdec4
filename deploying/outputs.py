"""What azd knows of a deployment, as its hooks are given it: the outputs of infra/main.bicep and what was set by hand."""

from typing import Annotated

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploying.smoke_event import SECTION
from deploying.trouble import Trouble
from shared.access.claims import GUID

_OF_AZD = SettingsConfigDict(extra="ignore", case_sensitive=False, frozen=True)


def _not_of_smoke_tests(section: str) -> str:
    if section == SECTION:
        raise ValueError(f"{SECTION} is the section of smoke tests")
    return section


def _is_said(value: object) -> bool:
    """Build servers set CI to `true`, to `1` or to their own name."""
    return str(value).lower() not in ("", "0", "false")


class Outputs(BaseSettings):
    """The resources of one deployment."""

    model_config = _OF_AZD

    azure_resource_group: str
    azure_function_name: str
    azure_key_vault_name: str
    azure_storage_table_endpoint: str
    """Of the data storage account."""
    azure_package_container_url: str
    """Where the deployed package lies."""
    signalbox_url: str


class Wishes(BaseSettings):
    """How the first section is to be, and who administers; each with `azd env set`."""

    model_config = _OF_AZD

    signalbox_country: str
    """Of phone numbers without a country code. No default: a wrong one would find wrong people."""
    signalbox_section: Annotated[str, AfterValidator(_not_of_smoke_tests)] = "main"
    signalbox_section_name: str = "Main"
    signalbox_time_zone: str = "Etc/UTC"
    signalbox_public_base_url: str = ""
    """The custom domain's, or the front's; the app's own without it."""
    signalbox_admin_client: str = Field("", pattern=rf"^(?i:|{GUID.pattern})$")
    """The application (client) id in Entra of whoever administers, instead of a key."""
    azure_subscription_id: str = ""
    """Which azd works in; not known before it has asked."""
    ci: Annotated[bool, BeforeValidator(_is_said)] = Field(
        default=False, validation_alias=AliasChoices("ci", "tf_build")
    )
    """Whether nobody is looking: what is printed there stays in a log. Azure Pipelines says TF_BUILD."""


def read_outputs() -> Outputs:
    """Raises Trouble that names what is missing."""
    try:
        return Outputs()
    except ValidationError as error:
        names = ", ".join(sorted(str(one["loc"][0]).upper() for one in error.errors()))
        raise Trouble(
            f"Not known of the deployment: {names}. azd gives it to its hooks after `azd provision`; "
            'by hand: `set -a; eval "$(azd env get-values)"; set +a`.'
        ) from None


def read_wishes() -> Wishes:
    """Raises Trouble that names what does not fit."""
    try:
        return Wishes()
    except ValidationError as error:
        names = ", ".join(sorted(str(one["loc"][0]).upper() for one in error.errors()))
        raise Trouble(
            f"Say with `azd env set NAME VALUE`, as docs/deploying.md#choose describes: {names}. "
            "For example: azd env set SIGNALBOX_COUNTRY SE"
        ) from None
