"""The table of a ticket's life, as a table: what must hold of every row."""

import pytest

from service.identity.permissions import ROLE_PERMISSIONS, Permission
from service.tickets.models import ENDED as ENDED_IN_SQL
from service.tickets.models import STATES
from service.tickets.states import ENDED, GOVERNING, OPEN, TABLE, Place, State, Step, Transition, steps_from
from sla_rules import ClockKind

rows = pytest.mark.parametrize("row", TABLE.values(), ids=lambda row: row.step.value)


def test_the_database_knows_the_same_states() -> None:
    assert set(STATES) == {state.value for state in State}
    assert set(ENDED_IN_SQL) == {state.value for state in ENDED}


def test_every_step_has_its_row() -> None:
    assert set(TABLE) == set(Step)


@rows
def test_a_step_people_take_needs_a_right_that_somebody_holds(row: Transition) -> None:
    if row.place is Place.service:
        assert row.permission is None
        return
    assert any(row.permission in rights for rights in ROLE_PERMISSIONS.values())


@rows
def test_only_a_step_of_the_province_or_the_service_leads_out_of_an_ended_state(row: Transition) -> None:
    if row.target is not None and row.sources & ENDED:
        assert row.place in {Place.centre, Place.service}


def test_every_open_state_has_a_deadline_to_sort_by() -> None:
    assert set(GOVERNING) == OPEN


def test_an_ended_ticket_takes_a_note_and_a_closed_one_can_be_reopened() -> None:
    confidence = {Step.raise_confidentiality, Step.lower_confidentiality}
    assert set(steps_from(State.rejected)) == {Step.note, Step.link, Step.unlink} | confidence
    beside_it = confidence | {
        Step.pass_quality,
        Step.fail_quality,
        Step.answer_supervision,
        Step.return_supervision,
        Step.close_supervision,
        Step.final_answer,
        Step.link,
        Step.unlink,
        Step.ask_exclusion,
        Step.support_exclusion,
        Step.exclude,
        Step.keep_counted,
    }
    assert set(steps_from(State.closed)) == {Step.reopen, Step.note} | beside_it


def test_every_state_on_the_main_path_leads_on() -> None:
    for state in OPEN:
        onward = {TABLE[step].target for step in Step if state in TABLE[step].sources} - {None, state}
        assert onward, state


def test_clocks_that_a_path_starts_are_stopped_before_it_ends() -> None:
    """Walk every sequence of steps that moves a ticket (each step once) and look at the clocks at the end."""

    def walk(state: State, running: frozenset[ClockKind], taken: tuple[Step, ...]) -> None:
        if state in ENDED:
            assert not running, (taken, running)
            return
        if len(taken) > 10:
            return
        for row in TABLE.values():
            moves = row.target is not None or row.step is Step.return_
            asked = row.step is not Step.grant_return or Step.return_ in taken
            if state in row.sources and moves and asked and row.step not in taken:
                kept = (running - set(row.stops)) | set(row.starts)
                if row.runs_on:
                    kept |= {ClockKind.resolve}
                walk(row.target or state, frozenset(kept), (*taken, row.step))

    walk(State.registered, frozenset({ClockKind.dispatch}), (Step.register,))


def test_the_administrator_and_the_auditor_see_no_ticket() -> None:
    from service.identity.permissions import Role

    for role in (Role.admin, Role.auditor):
        assert not any(right.startswith(("ticket:", "caller:")) for right in ROLE_PERMISSIONS[role])


def test_rights_are_named_noun_and_verb() -> None:
    assert all(right.count(":") == 1 for right in Permission)
