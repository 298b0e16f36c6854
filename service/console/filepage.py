"""Files on a ticket's page: send one, fetch one, take one back."""

from dataclasses import dataclass

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from service.api.downloads import download
from service.api.schemas.fields import Note
from service.console.forms import checked
from service.console.ticketpage import number_of
from service.console.visit import Attached, Visit
from service.core.errors import Malformed
from service.tickets.attachments import (
    AttachFile,
    FetchFile,
    attach_file,
    check_may_attach,
    fetch_file,
    keep_file,
    withdraw_file,
)
from service.tickets.file_kinds import Examined


class NoFileChosen(Malformed):
    zh = "请先选择文件。"
    en = "Choose a file first."


class NoteForm(BaseModel):
    """What a file shows."""

    note: Note = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that came with a form and lies in the store now."""

    file: Examined
    name: str


def take_file(visit: Visit) -> Response:
    """Hang the chosen file on the ticket."""
    number = number_of(visit)
    note = checked(NoteForm, {"note": visit.value("note")})["note"]
    with visit.reading() as unit:
        check_may_attach(unit, number)
    taken = taken_in(visit, chosen(visit))
    with visit.writing() as unit:
        attach_file(unit, AttachFile(number=number, file=taken.file, name=taken.name, note=note))
    return visit.goto(f"/tickets/{number}#files")


def show_file(visit: Visit) -> Response:
    """The file itself, as a download. A POST, for the reason that some files take stands in no address."""
    number = number_of(visit)
    with visit.reading():
        pass
    with visit.writing() as unit:
        file = fetch_file(unit, FetchFile(number=number, id=_id(visit), reason=visit.value("reason")))
    return download(file, visit.application.files.read(file.sha256))


def take_file_back(visit: Visit) -> Response:
    """Mark a file as taken back."""
    number = number_of(visit)
    with visit.writing() as unit:
        withdraw_file(unit, number, id=_id(visit))
    return visit.goto(f"/tickets/{number}#files")


def chosen(visit: Visit) -> Attached:
    """The file of the form. Raises NoFileChosen."""
    if "file" not in visit.files:
        raise NoFileChosen
    return visit.files["file"]


def taken_in(visit: Visit, attached: Attached) -> Taken:
    """Examine a file and put it into the store. No transaction is open."""
    application = visit.application
    kept = keep_file(
        application.files, attached.file, most=application.settings.file_limit, scanner=application.scanner
    )
    return Taken(file=kept, name=attached.name)


def _id(visit: Visit) -> int:
    text = str(visit.request.path_params["id"])
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise HTTPException(404)
    return int(text)
