"""By which ways notices leave the house: listed, added, tried, paused and removed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from starlette.responses import Response

from service.api.schemas.channels import ChannelAdd
from service.console import words
from service.console.errors import problem_for
from service.console.forms import Field, Form, Wrong, checked, of_people, of_unions, of_words, values_of
from service.console.visit import Visit
from service.core.errors import Bilingual, HotlineError
from service.core.unit import Unit
from service.identity.people import people_in_reach
from service.notifications.channels import (
    AddChannel,
    ChannelKind,
    ChannelView,
    add_channel,
    channel_test,
    channels,
    pause_channel,
    remove_channel,
    resume_channel,
    try_channel,
)
from service.org.tree import OrgTree, org_tree

_HOME = "/channels"
_FIELDS = (
    Field(name="kind", label="field.channel_kind", kind="choice", required=True, options=of_words(words.NOTICE_WAYS)),
    Field(
        name="org_code",
        label="field.channel_org",
        kind="choice",
        optional_choice="choice.nobody",
        hint="hint.channel_owner",
    ),
    Field(name="username", label="field.channel_person", kind="choice", optional_choice="choice.nobody"),
    Field(name="address", label="field.channel_address", required=True, longest=400, hint="hint.channel_address"),
    Field(name="urgent_only", label="field.channel_urgent", kind="check"),
)
_CHANGES: Mapping[str, Callable[[Unit, int], object]] = {
    "test": try_channel,
    "pause": pause_channel,
    "resume": resume_channel,
    "remove": remove_channel,
}


@dataclass(frozen=True, slots=True)
class _Line:
    """A channel, and the name of whose it is."""

    view: ChannelView
    owner: Bilingual


def show_channels(visit: Visit) -> Response:
    """The channels in one's part of the tree with what became of the last message; what became of the test of one of
    them (`tested`), or the question before it is removed (`remove`)."""
    return _page(visit, Form(id="channel", fields=_FIELDS))


def take_channel(visit: Visit) -> Response:
    """Add a channel, or change one."""
    for change, take in _CHANGES.items():
        channel_id = visit.row_id(change)
        if channel_id is not None:
            with visit.writing() as unit:
                take(unit, channel_id)
            return visit.goto(_HOME, tested=str(channel_id)) if change == "test" else visit.goto(_HOME)
    form = Form(id="channel", fields=_FIELDS, typed=visit.typed)
    try:
        body = checked(ChannelAdd, values_of(_FIELDS, visit.typed))
        with visit.writing() as unit:
            add_channel(
                unit,
                AddChannel(
                    kind=ChannelKind(body["kind"]),
                    address=body["address"],
                    username=body["username"] or "",
                    org_code=body["org_code"] or "",
                    urgent_only=body["urgent_only"],
                ),
            )
    except Wrong as wrong:
        return _page(visit, replace(form, errors=wrong.errors), status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _page(visit, replace(form, refusal=problem.words), status=problem.status)
    return visit.goto(_HOME)


def _page(visit: Visit, form: Form, *, status: int = 200) -> Response:
    with visit.reading() as unit:
        tree = org_tree(unit.session)
        found = {str(view.id): _line(view, tree) for view in channels(unit)}
        choices = {
            "org_code": of_unions(tree, scope=unit.actor.scope),
            "username": of_people(people_in_reach(unit), tree),
        }
        tested, removed = found.get(visit.query("tested")), found.get(visit.query("remove"))
        test = channel_test(unit, tested.view.id) if tested else None
    fields = tuple(replace(each, options=choices.get(each.name, each.options)) for each in _FIELDS)
    return visit.page(
        "channels.html",
        status=status,
        lines=found.values(),
        form=replace(form, fields=fields),
        tested=tested,
        test=test,
        removed=removed,
    )


def _line(view: ChannelView, tree: OrgTree) -> _Line:
    is_union = view.owner in tree and tree.get(view.owner).name_zh == view.owner_name
    name = tree.get(view.owner).name if is_union else Bilingual(view.owner_name, view.owner_name)
    return _Line(view=view, owner=name)
