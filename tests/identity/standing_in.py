"""A stand-in provider beside the application, and a person who goes there and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin

import httpx
from pydantic import SecretStr

from service.bootstrap import Application
from service.core.clock import Clock
from service.identity.providers import CALLBACK
from service.identity.standin_provider import StandIn, standin_at

# As the clients of the tests call the service.
HOTLINE = "http://hotline"


@contextmanager
def provider_for(clock: Clock, **facts: Any) -> Iterator[tuple[StandIn, dict[str, Any]]]:
    """A provider that runs, on the clock of the tests, and the settings that name it."""
    standin = StandIn(callback=HOTLINE + CALLBACK, now=clock.now, **facts)
    with standin_at(standin) as issuer:
        yield (
            standin,
            {
                "public_url": HOTLINE,
                "oidc_issuer": issuer,
                "oidc_client_id": standin.client_id,
                "oidc_client_secret": standin.client_secret,
            },
        )


def set_provider(application: Application, settings: dict[str, Any]) -> None:
    """Set a provider of an application that runs already."""
    application.__dict__.pop("provider", None)
    chosen = application.settings.model_copy(update={**settings, "oidc_client_secret": SecretStr("s3cret")})
    application.__dict__["settings"] = chosen


def answer_at(address: str, who: str, *, mfa: bool = False, answer: str = "yes") -> str:
    """Log in at the provider as a browser sent to `address` would; the address that it sends back to."""
    with httpx.Client() as browser:
        assert browser.get(address).status_code == 200
        response = browser.post(address, data={"who": who, "mfa": "1" if mfa else "", "answer": answer})
    assert response.status_code == 303, response.text
    return urljoin(address, response.headers["location"])
