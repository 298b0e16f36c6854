"""A person before a screen, without a browser: follows links and sends the forms a page really has."""

import re
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser

import httpx

from service.bootstrap import Application
from service.console.security import SESSION_COOKIE
from tests.api.clients import token_of

CONSOLE = "/console"


@dataclass
class FormOnPage:
    """A form as the page gives it: where it goes, and what stands in its fields."""

    action: str
    fields: dict[str, list[str]]
    names: set[str]
    buttons: list[tuple[str, str]]


class _Forms(HTMLParser):
    """Reads the forms of a page with the values a browser would send if nobody typed anything."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[FormOnPage] = []
        self._select: str | None = None
        self._area: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("method") == "post":
            self.forms.append(FormOnPage(action=given["action"], fields={}, names=set(), buttons=[]))
        if not self.forms:
            return
        form = self.forms[-1]
        name = given.get("name", "")
        if tag in {"input", "select", "textarea"} and name:
            form.names.add(name)
        if tag == "input" and name:
            unchosen = given.get("type") in {"radio", "checkbox"} and "checked" not in given
            if not unchosen:
                form.fields.setdefault(name, []).append(given.get("value", ""))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            form.fields.setdefault(self._select, []).append(given["value"])
        elif tag == "textarea":
            self._area, self._text = name, ""
        elif tag == "button" and name:
            form.buttons.append((name, given.get("value", "")))

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        if tag == "textarea" and self._area and self.forms:
            # The line break after the tag belongs to the markup (HTML, 4.10.11).
            self.forms[-1].fields[self._area] = [self._text.removeprefix("\n")]
            self._area = None


@dataclass
class Reader:
    """Somebody with a cookie jar."""

    application: Application
    client: httpx.Client

    def as_(self, username: str) -> "Reader":
        """Somebody who has logged in, without the password's slow check."""
        self.client.cookies.clear()
        self.client.cookies.set(SESSION_COOKIE, token_of(self.application, username), path=CONSOLE)
        return self

    def get(self, path: str) -> httpx.Response:
        return self.client.get(path)

    def see(self, path: str, status: int = 200) -> str:
        """The text of a page, markup and all."""
        response = self.client.get(path, follow_redirects=True)
        assert response.status_code == status, response.text[:2000]
        return unescape(response.text)

    def forms(self, path: str) -> list[FormOnPage]:
        return forms_of(self.client.get(path, follow_redirects=True).text)

    def steps(self, number: str) -> list[str]:
        """The steps a ticket's page offers."""
        return [form.fields["step"][0] for form in self.forms(f"{CONSOLE}/tickets/{number}") if "step" in form.fields]

    def send(self, form: FormOnPage, **changes: str | list[str]) -> httpx.Response:
        """Send a form with some fields typed over."""
        unknown = changes.keys() - form.names - {name for name, _ in form.buttons}
        assert not unknown, f"the form has no {unknown}"
        return self.client.post(form.action, data={**form.fields, **changes})

    def step(self, number: str, step: str, **changes: str | list[str]) -> httpx.Response:
        """Take a step by the form on the ticket's page."""
        form = self.step_form(number, step)
        return self.send(form, **changes)

    def step_form(self, number: str, step: str) -> FormOnPage:
        forms = [each for each in self.forms(f"{CONSOLE}/tickets/{number}") if each.fields.get("step") == [step]]
        assert forms, f"the page offers no {step}"
        return forms[0]


def forms_of(html: str) -> list[FormOnPage]:
    """All forms of a page that are sent by POST."""
    parser = _Forms()
    parser.feed(html)
    return parser.forms


def seen(response: httpx.Response) -> str:
    """The words of a page, without its markup."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.text)))
