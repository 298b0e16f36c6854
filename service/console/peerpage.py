"""Keys of peer systems: listed, made, given a new secret, revoked. A secret is on the page that answers, and nowhere
else."""

from dataclasses import replace

from starlette.responses import Response

from service.api.schemas.peers import PeerAdd
from service.console import words
from service.console.errors import problem_for
from service.console.forms import Field, Form, Wrong, checked, of_unions, of_words, values_of
from service.console.visit import Visit
from service.core.errors import HotlineError
from service.core.unit import PROVINCE_CODE
from service.identity.peers import AddPeer, PeerKey, peers, revoke_peer
from service.notifications.account_notices import add_peer_and_tell, rotate_peer_and_tell
from service.org.tree import org_tree

_HOME = "/peers"
_FIELDS = (
    Field(name="name", label="field.peer_name", required=True, longest=41, hint="hint.peer_name"),
    Field(name="org_code", label="field.peer_org", kind="choice", required=True, value=PROVINCE_CODE),
    Field(name="scopes", label="field.peer_scopes", kind="checks", options=of_words(words.PEER_SCOPES)),
    Field(name="networks", label="field.peer_networks", kind="lines", required=True, hint="hint.peer_networks"),
    Field(name="expires_at", label="field.peer_expires", kind="moment", required=True, hint="hint.peer_expires"),
    Field(name="per_minute", label="field.peer_pace", kind="number", least=1, most=6000, value="120"),
)


def show_peers(visit: Visit) -> Response:
    """The keys, the form for another, and the question before one is revoked (`revoke`)."""
    return _page(visit, Form(id="peer", fields=_FIELDS))


def take_peer(visit: Visit) -> Response:
    """Make a key, give one a new secret, or revoke one."""
    revoked, rotated = visit.row_id("revoke"), visit.row_id("rotate")
    form = Form(id="peer", fields=_FIELDS)
    try:
        if revoked is not None:
            with visit.writing() as unit:
                revoke_peer(unit, revoked)
            return visit.goto(_HOME)
        if rotated is not None:
            with visit.writing() as unit:
                made = rotate_peer_and_tell(unit, rotated)
            return _page(visit, form, made=made)
        form = replace(form, typed=visit.typed)
        body = checked(PeerAdd, values_of(_FIELDS, visit.typed))
        with visit.writing() as unit:
            made = add_peer_and_tell(unit, AddPeer(**body))
    except Wrong as wrong:
        return _page(visit, replace(form, errors=wrong.errors), status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _page(visit, replace(form, refusal=problem.words), status=problem.status)
    return _page(visit, Form(id="peer", fields=_FIELDS), made=made)


def _page(visit: Visit, form: Form, *, made: PeerKey | None = None, status: int = 200) -> Response:
    with visit.reading() as unit:
        tree = org_tree(unit.session)
        lines = [(view, tree.get(view.org_code).name) for view in peers(unit)]
        now = unit.now
    asked = next((view for view, _ in lines if str(view.id) == visit.query("revoke") and not view.revoked_at), None)
    fields = tuple(replace(each, options=of_unions(tree)) if each.name == "org_code" else each for each in form.fields)
    form = replace(form, fields=fields)
    return visit.page("peers.html", status=status, lines=lines, form=form, made=made, revoked=asked, now=now)
