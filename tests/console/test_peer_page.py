"""Keys of peer systems on the screen."""

import re

from tests.console.browser import CONSOLE, Reader, seen

ADDRESS = f"{CONSOLE}/peers"
KEY = {
    "name": "xining-12345",
    "org_code": "630000",
    "scopes": ["ticket:create", "ticket:read"],
    "networks": "10.8.0.0/24\n192.0.2.7/32",
    "expires_at": "2027-06-30T18:00",
    "per_minute": "120",
}


def secret_on(page: str) -> str:
    found = re.search(r'<code class="told">([^<]{43,})</code>', page)
    assert found, page
    return found[1]


def test_a_key_is_made_shown_once_rotated_and_revoked(reader: Reader) -> None:
    admin = reader.as_("admin1")
    assert "目前没有对接密钥" in admin.see(ADDRESS)
    form = next(form for form in admin.forms(ADDRESS) if "networks" in form.names)

    made = admin.send(form, **KEY)
    assert made.status_code == 200
    secret = secret_on(made.text)
    assert "xining-12345" in seen(made)
    assert secret not in admin.see(ADDRESS), "it is shown this once"
    assert "登记工单、查看工单" in admin.see(ADDRESS)
    assert admin.send(form, **KEY).status_code == 409
    assert admin.send(form, **KEY | {"networks": "0.0.0.0/0", "name": "other"}).status_code == 422
    assert admin.send(form, **KEY | {"expires_at": "", "name": "other"}).status_code == 422

    rotate = next(form for form in admin.forms(ADDRESS) if ("rotate", "1") in form.buttons)
    assert secret_on(admin.send(rotate, rotate="1").text) != secret
    assert "旧密钥可用至" in admin.see(ADDRESS)

    asked = admin.see(f"{ADDRESS}?revoke=1")
    assert "确定撤销 xining-12345 吗" in asked
    revoke = next(form for form in admin.forms(f"{ADDRESS}?revoke=1") if ("revoke", "1") in form.buttons)
    assert admin.send(revoke, revoke="1").status_code == 303
    assert "已撤销" in admin.see(ADDRESS)
    assert admin.send(rotate, rotate="1").status_code == 409


def test_nobody_but_the_provinces_administrator_sees_the_page(visitor: Reader) -> None:
    assert visitor.as_("supervisor1").get(ADDRESS).status_code == 403
    assert ADDRESS not in visitor.as_("supervisor1").get(f"{CONSOLE}/").text
