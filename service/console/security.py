"""What keeps the pages safe beside the guard in front: cookies, and the mark that a form came from a page of ours."""

import hashlib
import secrets

from itsdangerous import Signer

from service.core.crypto import Vault
from service.core.errors import Forbidden
from service.core.settings import Settings

SESSION_COOKIE = "hotline_session"
LANGUAGE_COOKIE = "hotline_lang"
# Before somebody logs in there is no session to bind the login form to: this cookie stands in for it.
VISITOR_COOKIE = "hotline_visitor"
# By which a browser shows that somebody has logged in with it before.
BROWSER_COOKIE = "hotline_browser"
# Between the right password and the code of the authenticator.
PROOF_COOKIE = "hotline_proof"
# Between going to the identity provider and coming back from it.
JOURNEY_COOKIE = "hotline_journey"
FORM_MARK = "form_mark"


class FormNotOurs(Forbidden):
    """A form without the mark of this login: sent by another site, or from a page opened before a new login."""

    zh = "页面已失效(可能已在别处重新登录),未保存。请返回上一页,刷新后再提交。"
    en = "This page is out of date (you may have logged in anew elsewhere); nothing was saved. Go back and reload it."


def cookie_name(name: str, settings: Settings) -> str:
    """What a cookie is called. Over https it bears the prefix with which browsers take it for this host alone, from
    nobody but this host, and never in the clear."""
    return f"__Host-{name}" if settings.over_tls else name


def form_mark(vault: Vault, secret: str) -> str:
    """The mark of forms shown to whoever holds `secret` (a login token or a visitor cookie)."""
    return _signer(vault).get_signature(secret).decode()


def check_form_mark(vault: Vault, secret: str, mark: str) -> None:
    """Raises FormNotOurs unless the mark was made for `secret`."""
    if not secret or not _signer(vault).verify_signature(secret, mark.encode("utf-8", "replace")):
        raise FormNotOurs


def _signer(vault: Vault) -> Signer:
    return Signer(vault.link_keys, salt="console form", digest_method=hashlib.sha256)


def new_visitor() -> str:
    """A random name for a browser that has not logged in."""
    return secrets.token_urlsafe(24)
