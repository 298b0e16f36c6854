"""A stand-in for an identity provider, which lies outside this machine: authorization code with PKCE, signed ID tokens.

    python -m service.identity.standin_provider --port 9354 --hotline http://127.0.0.1:8351

For trying settings out and for the tests. It protects nobody: whoever comes is whoever they say they are.
"""

import argparse
import hashlib
import secrets
import threading
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import unquote_plus, urlencode

import uvicorn
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeyParameters, KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from service.identity.providers import CALLBACK

_CODE_LASTS = 60
_TOKEN_LASTS = 300
_PAGE = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>身份认证(演示) Stand-in</title>
<h1>身份认证(演示) / A stand-in for an identity provider</h1>
<form method="post"><p><label>您是谁 / Who are you? <input name="who" required autofocus maxlength="100"></label></p>
<p><label><input type="checkbox" name="mfa" value="1"> 已出示第二要素 / with a second factor</label></p>
<p><button name="answer" value="yes">登录 / Log in</button>
<button name="answer" value="no" formnovalidate>取消 / Cancel</button></p></form>
<p>客户端 / client: {client}</p></html>"""


@dataclass
class StandIn:
    """What the provider knows and keeps. `said` is put over what it says of itself, `twist` changes the claims before
    they are signed, `sign` signs them in another way, `answer` decides before anything else: a status, or None."""

    callback: str
    client_id: str = "hotline"
    client_secret: str = "s3cret"  # noqa: S105 - protects nobody
    algorithm: str = "RS256"
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    said: dict[str, Any] = field(default_factory=dict)
    twist: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
    sign: Callable[[dict[str, Any], Key], str] | None = None
    answer: Callable[[str], int | None] = lambda _path: None
    issuer: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    keys: list[Key] = field(default_factory=list)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rotate()

    def rotate(self) -> None:
        """Another key in place of the one of before."""
        name: KeyParameters = {"kid": secrets.token_hex(8), "use": "sig"}
        rsa = self.algorithm.startswith(("RS", "PS"))
        self.keys = [RSAKey.generate_key(2048, name) if rsa else ECKey.generate_key("P-256", name)]

    def app(self) -> Starlette:
        """Its addresses."""
        pages = {
            "/.well-known/openid-configuration": (self._metadata, ["GET"]),
            "/keys": (self._published, ["GET"]),
            "/authorize": (self._authorize, ["GET", "POST"]),
            "/token": (self._token, ["POST"]),
            "/logout": (self._logout, ["GET"]),
        }
        return Starlette(
            routes=[Route(path, self._counted(path, page), methods=ways) for path, (page, ways) in pages.items()]
        )

    def _counted(self, path: str, page: Callable[[Request, dict[str, str]], Response]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            self.asked[path] += 1
            status = self.answer(path)
            if status is not None:
                return Response(status_code=status)
            form = {name: str(value) for name, value in (await request.form()).items()}
            return page(request, form)

        return endpoint

    def _metadata(self, _request: Request, _form: dict[str, str]) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "end_session_endpoint": f"{self.issuer}/logout",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [self.algorithm],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "authorization_response_iss_parameter_supported": True,
                **self.said,
            }
        )

    def _published(self, _request: Request, _form: dict[str, str]) -> Response:
        return JSONResponse(KeySet(self.keys).as_dict(private=False))

    def _authorize(self, request: Request, form: dict[str, str]) -> Response:
        asked = dict(request.query_params)
        if asked.get("client_id") != self.client_id or asked.get("redirect_uri") != self.callback:
            return Response("unknown client or redirect_uri", 400)
        if (
            asked.get("response_type") != "code"
            or asked.get("code_challenge_method") != "S256"
            or not asked.get("code_challenge")
        ):
            return self._back(asked, error="invalid_request")
        if request.method == "GET":
            return HTMLResponse(_PAGE.format(client=escape(self.client_id)))
        if form.get("answer") == "no":
            return self._back(asked, error="access_denied")
        code = secrets.token_urlsafe(24)
        self._codes[code] = {**asked, "who": form.get("who", ""), "mfa": form.get("mfa", ""), "made": self._seconds()}
        return self._back(asked, code=code)

    def _token(self, request: Request, form: dict[str, str]) -> Response:
        if not self._is_client(request, form):
            return JSONResponse({"error": "invalid_client"}, 401)
        # A code is good once, whatever comes of it (RFC 6749, 4.1.2).
        asked = self._codes.pop(form.get("code", ""), None)
        if (
            asked is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or create_s256_code_challenge(form.get("code_verifier", "")) != asked["code_challenge"]
            or int(self._seconds()) - int(asked["made"]) > _CODE_LASTS
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        token = secrets.token_urlsafe(24)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": _TOKEN_LASTS}
        return JSONResponse({**answer, "id_token": self._id_token(asked)}, headers={"Cache-Control": "no-store"})

    def _id_token(self, asked: dict[str, str]) -> str:
        now = int(self._seconds())
        claims = self.twist(
            {
                "iss": self.issuer,
                "sub": subject_of(asked["who"]),
                "aud": self.client_id,
                "iat": now,
                "exp": now + _TOKEN_LASTS,
                "nonce": asked.get("nonce", ""),
                "preferred_username": asked["who"],
                "amr": ["pwd", "mfa"] if asked["mfa"] else ["pwd"],
            }
        )
        key = self.keys[-1]
        if self.sign is not None:
            return self.sign(claims, key)
        return jwt.encode({"alg": self.algorithm, "kid": key.kid}, claims, key, algorithms=[self.algorithm])

    def _logout(self, request: Request, _form: dict[str, str]) -> Response:
        return RedirectResponse(request.query_params.get("post_logout_redirect_uri", "/"), 303)

    def _is_client(self, request: Request, form: dict[str, str]) -> bool:
        way, _, pair = request.headers.get("authorization", "").partition(" ")
        if way == "Basic":
            shown = [unquote_plus(part) for part in b64decode(pair).decode().split(":", 1)]
        else:
            shown = [form.get("client_id", ""), form.get("client_secret", "")]
        return shown == [self.client_id, self.client_secret]

    def _back(self, asked: dict[str, str], **answer: str) -> Response:
        said = {**answer, "state": asked.get("state", ""), "iss": self.issuer}
        return RedirectResponse(f"{self.callback}?{urlencode(said)}", 303, headers={"Cache-Control": "no-store"})

    def _seconds(self) -> str:
        return str(int(self.now().timestamp()))


def subject_of(who: str) -> str:
    """What never changes of somebody at this provider."""
    return hashlib.sha256(who.encode()).hexdigest()[:24]


@contextmanager
def standin_at(standin: StandIn, port: int = 0) -> Iterator[str]:
    """Serve on loopback while the block runs; yields the issuer. Port 0 is any that is free."""
    config = uvicorn.Config(standin.app(), host="127.0.0.1", port=port, log_config=None, access_log=False, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise OSError(f"port {port} cannot be used")
            time.sleep(0.01)
        standin.issuer = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield standin.issuer
    finally:
        server.should_exit = True
        thread.join()


def main() -> None:
    """Serve until Ctrl-C."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=9354)
    options.add_argument("--hotline", metavar="URL", default="http://127.0.0.1:8351", help="address of the hotline")
    given = options.parse_args()
    standin = StandIn(callback=given.hotline.rstrip("/") + CALLBACK)
    with standin_at(standin, given.port) as issuer:
        for name, value in (
            ("ISSUER", issuer),
            ("CLIENT_ID", standin.client_id),
            ("CLIENT_SECRET", standin.client_secret),
            ("CLAIM", "preferred_username"),
        ):
            print(f"HOTLINE_OIDC_{name}={value}", flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
