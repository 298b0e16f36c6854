"""Every place in the database that is sealed or hashed under the ring. What is not named here is lost with its key: a
test walks all tables, and a column named `…_sealed` or `…_hash` stands here or says why not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Table, case, func, literal

from service.audit.keys import AuditKey
from service.core.crypto import BARE_HASH_BYTES
from service.core.db import Base, table_of
from service.identity.otp import SecondFactor
from service.identity.peers import PeerSecret
from service.notifications.channels import Channel, hashed_as, owner_of
from service.tickets.concealing import ConcealedNumber
from service.tickets.drafts import IntakeDraft, place_of
from service.tickets.models import Caller, Ticket

SEALED, HASHED = "_sealed", "_hash"

# Of a row its columns, and what has been opened of it so far.
Clear = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table with sealed columns. `bound` says to what of its row a column is sealed, `hashes` what each hash of the
    row is made of; both may ask the columns in `needs`, and for what stands sealed in an earlier column."""

    model: type[Base]
    bound: Callable[[str, Any, Clear], str] = lambda _column, _row, _clear: ""
    hashes: Mapping[str, Callable[[Any, Clear], str]] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    @property
    def table(self) -> Table:
        """The table itself."""
        return table_of(self.model)

    @property
    def sealed(self) -> list[str]:
        """Its sealed columns in their order."""
        return [column.name for column in self.table.columns if column.name.endswith(SEALED)]

    @property
    def heads(self) -> dict[str, ColumnElement[int]]:
        """For each sealed or hashed column what its first byte says."""
        sealed = {name: func.get_byte(self.table.c[name], 0) for name in self.sealed}
        return sealed | {name: head_of_hash(self.table.c[name]) for name in self.hashes}


def head_of_hash(column: Any) -> ColumnElement[int]:
    """What the first byte of a hash says; one of before there were versions has none."""
    bare = func.octet_length(column) == BARE_HASH_BYTES
    return case((bare, literal(1)), else_=func.get_byte(column, 0))


TABLES = (
    SealedTable(
        Caller,
        # The number first: all else of a caller is bound to it.
        bound=lambda column, _, clear: "" if column == "phone_sealed" else clear["phone_sealed"],
        hashes={"phone_hash": lambda _, clear: clear["phone_sealed"]},
    ),
    SealedTable(Ticket),
    SealedTable(ConcealedNumber, bound=lambda _, row, __: str(row.ticket_id), needs=("ticket_id",)),
    SealedTable(IntakeDraft, bound=lambda _, row, __: place_of(row.person_id, row.key)),
    SealedTable(
        Channel,
        bound=lambda _, row, __: owner_of(row),
        hashes={"address_hash": lambda row, clear: hashed_as(row.kind, clear["address_sealed"])},
        needs=("kind", "person_id", "org_code"),
    ),
    SealedTable(PeerSecret, bound=lambda _, row, __: str(row.peer_id), needs=("peer_id",)),
    SealedTable(SecondFactor, bound=lambda _, row, __: str(row.person_id)),
    SealedTable(AuditKey, bound=lambda _, row, __: str(row.version)),
)

# Hashed under the ring, and gone before a key is: nothing is kept of which they could be made anew.
PASSING = {
    "worker_code.phone_hash": "a code is good for ten minutes, and the rotation throws away those that are not",
    "worker_code.code_hash": "as above",
}

# Named like hashes of the ring, and none.
OTHER_HASHES = {"person.password_hash": "argon2id, which needs no key of ours"}
