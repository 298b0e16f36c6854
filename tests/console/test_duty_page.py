"""The duty roster on the screen."""

from tests.console.browser import CONSOLE, Reader
from tests.desk import GOLMUD

HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"


def test_a_turn_is_set_refused_twice_listed_and_cancelled(reader: Reader) -> None:
    address = f"{CONSOLE}/duties"
    leader = reader.as_(LEADER)
    form = next(form for form in leader.forms(address) if "starts_at" in form.names)
    assert f'<option value="{HANDLER}">' in leader.see(address), "chosen from the union's people, not typed"
    assert "auditor1" not in leader.see(address)
    turn = {"username": HANDLER, "starts_at": "2026-11-27T18:00", "ends_at": "2026-11-28T08:00"}
    assert leader.send(form, **turn).status_code == 303
    assert leader.send(form, **turn).status_code == 409
    assert leader.send(form, **turn | {"ends_at": ""}).status_code == 422
    assert HANDLER in leader.see(address)
    cancel = next(form for form in leader.forms(address) if ("cancel", "1") in form.buttons)
    assert leader.send(cancel, cancel="1").status_code == 303
    assert "目前没有值班安排" in leader.see(address)
    assert not [form for form in reader.as_(HANDLER).forms(address) if "starts_at" in form.names]
