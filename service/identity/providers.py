"""What is set of the identity provider: whether anything is, and whether it is whole."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from service.core.errors import Bilingual
from service.core.settings import Settings, SettingsMissing

SUBJECT = "sub"
# Our address to which a provider sends people back.
CALLBACK = "/console/login/oidc/callback"
# Whoever gets an address or a number that was somebody else's would get their login with it.
_CHANGE_HANDS = frozenset({"email", "phone_number"})
_LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """A whole configuration. `claim` is the one by which administrators name an account; `timeout` is in seconds for
    one question; a value of `amr` or `acr` among these stands for a second factor shown there."""

    issuer: str
    client_id: str
    client_secret: str
    scopes: str
    claim: str
    label: Bilingual
    timeout: float
    amr: frozenset[str]
    acr: tuple[str, ...]
    clear_allowed: bool


def provider_settings(settings: Settings) -> ProviderSettings | None:
    """The provider that the settings name; None where they name none. Raises SettingsMissing for half of one."""
    if not settings.oidc_issuer:
        if settings.oidc_client_id or settings.oidc_client_secret or settings.oidc_client_secret_file:
            raise SettingsMissing(
                "已设置身份认证的客户端,但缺少 HOTLINE_OIDC_ISSUER(提供方的 https 地址)。\n"
                "An OIDC client is set without HOTLINE_OIDC_ISSUER (the provider's https address)."
            )
        return None
    if not is_safe(settings.oidc_issuer, clear_allowed=settings.demo):
        raise SettingsMissing(
            "HOTLINE_OIDC_ISSUER 须是 https 地址(本机回环地址和演示除外),不带参数。\n"
            "HOTLINE_OIDC_ISSUER has to be an https address without a query (loopback and demos excepted)."
        )
    if not settings.oidc_client_id:
        raise SettingsMissing(
            "已设置 HOTLINE_OIDC_ISSUER,但缺少 HOTLINE_OIDC_CLIENT_ID。\n"
            "HOTLINE_OIDC_ISSUER is set without HOTLINE_OIDC_CLIENT_ID."
        )
    if "openid" not in settings.oidc_scopes.split():
        raise SettingsMissing(
            "HOTLINE_OIDC_SCOPES 须包含 openid。\nHOTLINE_OIDC_SCOPES has to name openid among the scopes."
        )
    if not settings.oidc_claim or settings.oidc_claim in _CHANGE_HANDS:
        raise SettingsMissing(
            "HOTLINE_OIDC_CLAIM 不能是邮箱或手机号(会换人使用),请用 sub、工号等不变的标识。\n"
            "HOTLINE_OIDC_CLAIM can't be an address of mail or a phone, which change hands: use sub or a staff number."
        )
    return ProviderSettings(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_key(),
        scopes=" ".join(settings.oidc_scopes.split()),
        claim=settings.oidc_claim,
        label=Bilingual(settings.oidc_label_zh, settings.oidc_label_en),
        timeout=settings.oidc_timeout,
        amr=frozenset(_listed(settings.oidc_mfa_amr)),
        acr=_listed(settings.oidc_mfa_acr),
        clear_allowed=settings.demo,
    )


def is_safe(address: str, *, clear_allowed: bool = False) -> bool:
    """Whether an address of the provider's is one to send a secret or a person to: https, or this machine itself."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        parts.port  # noqa: B018 - raises for what is no number
    except ValueError:
        return False
    whole = bool(host) and not parts.fragment and "@" not in parts.netloc and address.isprintable()
    here = clear_allowed or _is_loopback(host)
    return whole and not parts.query and (parts.scheme == "https" or (parts.scheme == "http" and here))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in _LOOPBACK_NAMES


def _listed(names: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in names.split(","))))
