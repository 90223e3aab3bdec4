"""Who signs the tokens that are taken here: one tenant of Microsoft Entra, and the names that this API has there."""

from collections.abc import Mapping
from dataclasses import dataclass

AUTHORITY = "https://login.microsoftonline.com"
_V1_AUTHORITIES: Mapping[str, str] = {
    AUTHORITY: "https://sts.windows.net",
    "https://login.microsoftonline.us": "https://sts.windows.net",
    "https://login.partner.microsoftonline.cn": "https://sts.chinacloudapi.cn",
}


@dataclass(frozen=True, slots=True)
class Issuer:
    """A tenant, whose v1.0 and v2.0 access tokens are both taken.

    https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    """

    tenant: str
    """The tenant's id, a GUID in lower case."""
    audiences: frozenset[str]
    """What `aud` may be: the API's client id (v2.0) and its application id URI (v1.0)."""
    authority: str = AUTHORITY
    """Where it is asked, without a slash at the end."""

    @property
    def name(self) -> str:
        """Its name in v2.0 tokens, and in its own metadata."""
        return f"{self.authority}/{self.tenant}/v2.0"

    @property
    def v1_name(self) -> str:
        """Its name in v1.0 tokens. An authority that is not Microsoft's has one host for both."""
        return f"{_V1_AUTHORITIES.get(self.authority, self.authority)}/{self.tenant}/"

    @property
    def metadata_url(self) -> str:
        """Where it says where its keys are (OpenID Connect Discovery 1.0 section 4)."""
        return f"{self.name}/.well-known/openid-configuration"
