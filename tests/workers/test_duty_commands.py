"""`hotline duty`."""

import json

from tests.desk import GOLMUD
from tests.workers.test_catalogue_commands import Run, run

__all__ = ["run"]

HANDLER = f"handler-{GOLMUD}"


def test_a_turn_of_duty_is_added_listed_and_removed(run: Run) -> None:
    words = ("duty", "add", HANDLER, "--from", "2099-11-27 18:00", "--to", "2099-11-28T00:00:00+00:00")
    added = run(*words)
    assert added.exit_code == 0, added.output

    (turn,) = json.loads(run("duty", "list", "--json").stdout)
    assert (turn["username"], turn["org_code"]) == (HANDLER, GOLMUD)
    # Beijing's time, typed with an offset or without.
    assert (turn["starts_at"], turn["ends_at"]) == ("2099-11-27T18:00:00+08:00", "2099-11-28T08:00:00+08:00")
    assert "2099-11-28 08:00" in run("duty", "list").stdout
    assert run(*words).exit_code == 1
    assert run("duty", "remove", turn["id"]).exit_code == 0
    assert json.loads(run("duty", "list", "--json").stdout) == []


def test_what_is_no_turn_is_refused_with_a_sentence(run: Run) -> None:
    fits = ("2099-11-27T18:00", "2099-11-28T08:00")
    for who, first, last, said in (
        (HANDLER, *reversed(fits), "A turn of duty ends after it starts"),
        (HANDLER, "tonight", fits[1], "not a time"),
        (HANDLER, "0001-01-01T00:00", fits[1], "A turn of duty ends after it starts"),
        ("nobody", *fits, "nobody"),
    ):
        refused = run("duty", "add", who, "--from", first, "--to", last)
        assert (refused.exit_code, said in refused.output) == (1, True), refused.output
    assert run("duty", "remove", 4711).exit_code == 1
    assert run("duty", "remove", 10**12).exit_code == 2
