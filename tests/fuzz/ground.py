"""Somebody in each role at the centre, at a city and at a county, and tickets of unions beside them whose every text
holds a canary: a word that only those may read who see that union's tickets."""

import io
import random
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from service.api.worker_door import WorkerDoor
from service.core.unit import NOWHERE, PROVINCE_CODE
from service.identity.keeping import disable_person
from service.identity.people import CreatePerson, create_person
from service.identity.permissions import ROLE_PERMISSIONS, Permission, Role
from service.tickets.attachments import AttachFile, attach_file, keep_file
from service.tickets.closing import AddNote, add_note
from tests.api import stages
from tests.api.clients import token_of
from tests.conftest import PASSWORD
from tests.desk import GOLMUD, HAIXI, Desk

SIBLING, DELINGHA = "630200", "632802"
OFFICES = {"centre": PROVINCE_CODE, "city": HAIXI, "county": GOLMUD}
# Whose tickets have canaries: the centre's, the city's, the county's own, a county's beside it, another city's.
UNIONS = (PROVINCE_CODE, HAIXI, GOLMUD, DELINGHA, SIBLING)

_CANARY = re.compile("金丝雀([0-9]{6})|Kanari([0-9]{6})|139([0-9]{6})77")

# The register of employers is of the whole province: their names are known to whoever keeps it.
_REGISTERED = "金丝雀[0-9]{6} 公司".encode()


def canaries_in(content: bytes) -> set[str]:
    """The unions whose canaries an answer holds, also where it is a workbook."""
    texts = [content.decode("utf-8", "replace")]
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            texts += [book.read(name).decode("utf-8", "replace") for name in book.namelist()]
    return {code for text in texts for found in _CANARY.findall(text) for code in found if code}


@dataclass(frozen=True)
class Asker:
    """Somebody who sends requests. `scope` is the prefix of the unions whose tickets they may read about."""

    name: str
    token: str
    scope: str = NOWHERE
    rights: frozenset[str] = frozenset()
    reads_employers: bool = False

    def may_read_of(self, code: str) -> bool:
        return code.startswith(self.scope)


@dataclass
class Ground:
    """The world that is asked. `open_numbers` may be changed by anybody, `canary_numbers` are found and read."""

    desk: Desk
    askers: list[Asker] = field(default_factory=list)
    open_numbers: list[str] = field(default_factory=list)
    canary_numbers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def made(cls, desk: Desk) -> "Ground":
        ground = cls(desk)
        # The open ones first: the document's examples name the first numbers of the day.
        ground.open_numbers = [make(desk) for make in _STAGES]
        ground.canary_numbers = {code: ground._canary_ticket(code) for code in UNIONS}
        ground.askers = [*ground._people(), *ground._workers()]
        return ground

    def may(self, operation: Any) -> list[Asker]:
        """Who has one of the rights that an operation declares; everybody where it declares none."""
        needed = set(operation.definition.raw.get("x-permission", ()))
        return [asker for asker in self.askers if not needed or not needed.isdisjoint(asker.rights)]

    def for_once(self, asker: Asker) -> Asker:
        """The same with a token that may be used up."""
        if not asker.rights:
            return asker
        return replace(asker, token=token_of(self.desk.application, asker.name))

    def numbers_for(self, asker: Asker, *, reading: bool) -> list[str]:
        """Tickets to name in a request. The canaries that an asker sees are only read: changed, they might move."""
        beyond = [number for code, number in self.canary_numbers.items() if not asker.may_read_of(code)]
        seen = [number for code, number in self.canary_numbers.items() if asker.may_read_of(code)]
        return [*self.open_numbers, *beyond, *beyond, *(seen if reading else ())]

    def leaks_to(self, asker: Asker, content: bytes) -> set[str]:
        """The unions of whose tickets an answer tells this asker although it must not."""
        if asker.reads_employers:
            content = re.sub(_REGISTERED, b"", content)
        return {code for code in canaries_in(content) if not asker.may_read_of(code)}

    def _canary_ticket(self, code: str) -> str:
        desk = self.desk
        fields: dict[str, Any] = {
            "title": f"欠薪 金丝雀{code} 题",
            "body": f"金丝雀{code} 说工资没有发 Kanari{code}",
            "caller_name": f"金丝雀{code}",
            "phone": f"139{code}77",
            "employer": f"金丝雀{code} 公司",
            "place_code": GOLMUD if code == PROVINCE_CODE else code,
        }
        handler = "agent1" if code == PROVINCE_CODE else f"handler-{code}"
        number = desk.accepted(**fields) if code == PROVINCE_CODE else desk.in_progress(code, **fields)
        desk.do(handler, add_note, AddNote(number=number, note=f"金丝雀{code} 备注"))
        content = io.BytesIO(f"Kanari{code} 的工资条".encode())
        kept = keep_file(desk.application.files, content, most=1_000_000)
        attached = AttachFile(number=number, file=kept, name=f"金丝雀{code}.txt", note=f"金丝雀{code}")
        desk.do(handler, attach_file, attached)
        if code != PROVINCE_CODE:
            desk.reply(number, code, text=f"金丝雀{code} 已办", basis=f"金丝雀{code} 依据")
        return number

    def _people(self) -> Iterator[Asker]:
        application = self.desk.application
        with application.unit() as unit:
            for office, code in OFFICES.items():
                for role in Role:
                    command = CreatePerson(
                        username=f"{role}-at-{office}",
                        display_name=f"{role} {office}",
                        org_code=code,
                        roles=frozenset({role}),
                        password=PASSWORD,
                    )
                    create_person(unit, command, password_hash="none")
        for office, code in OFFICES.items():
            for role in Role:
                rights = ROLE_PERMISSIONS[role]
                scope = code.rstrip("0") if code != PROVINCE_CODE else "63"
                yield Asker(
                    name=f"{role}-at-{office}",
                    token=token_of(application, f"{role}-at-{office}"),
                    scope=scope if Permission.ticket_read in rights else NOWHERE,
                    rights=frozenset(right.value for right in rights),
                    reads_employers=Permission.employer_read in rights and code == PROVINCE_CODE,
                )
        leaver = token_of(application, f"handler-{SIBLING}")
        with application.unit() as unit:
            disable_person(unit, f"handler-{SIBLING}")
        yield Asker(name="leaver", token=leaver)
        yield Asker(name="nobody", token="")

    def _workers(self) -> Iterator[Asker]:
        """A worker whose own matters are among the open ones."""
        door = WorkerDoor(application=self.desk.application, address="", correlation_id="")
        ids = tuple(self.desk.ticket(number).id for number in self.open_numbers)
        yield Asker(name="worker", token=door.token(ids))


# One ticket at each place where a step waits, so that requests get past the question whether it is time for it.
_STAGES = [
    Desk.registered,
    Desk.accepted,
    Desk.dispatched,
    Desk.in_progress,
    lambda desk: desk.in_progress(HAIXI),
    Desk.to_callback,
    Desk.closed,
    stages.replied,
    stages.suspended,
    stages.return_asked,
    stages.extension_asked,
    stages.rejection_asked,
    stages.passed_down,
    stages.return_up_asked,
    stages.material_asked,
    stages.task_set,
    stages.consult_asked,
    stages.supervision_answered,
    stages.exclusion_asked,
    stages.linked,
    stages.merged,
    stages.to_be_answered_for_good,
    stages.drawn_for_quality,
]


def some(numbers: list[str], chance: random.Random, *, most: int = 3) -> list[str]:
    """Up to `most` of these."""
    return chance.sample(numbers, k=min(len(numbers), chance.randint(1, most)))
