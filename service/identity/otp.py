"""The second factor: codes of an authenticator (RFC 6238) and, for the day it is lost, recovery codes."""

import hashlib
import hmac
import secrets
from datetime import datetime
from enum import StrEnum

import pyotp
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, select, update
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base
from service.core.unit import Unit
from service.core.unreadable import UNREADABLE, readable
from service.identity.errors import SecondFactorUnreadable, SecondFactorWrong
from service.identity.passwords import normal

SECRET = "second_factor.secret_sealed"  # noqa: S105 - a place in the database, not a secret
STEP_SECONDS = 30
# A clock may be half a minute off either way (RFC 6238, 5.2).
_STEPS_OFF = (0, -1, 1)
RECOVERY_CODES = 10
_CLEAR_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 4


class SecondFactor(Base):
    """Somebody's authenticator. It counts from `confirmed_at` on; `last_step` is that of the last code taken, so that
    a code opens once."""

    __tablename__ = "second_factor"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True, autoincrement=False)
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    begun_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)


class RecoveryCode(Base):
    """A code for one login without the authenticator; of its 79 bits only the SHA-256 is stored."""

    __tablename__ = "recovery_code"
    __table_args__ = (CheckConstraint("octet_length(digest) = 32", name="digest"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True, autoincrement=False)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    used_at: Mapped[datetime | None]


def is_confirmed(unit: Unit, person_id: int | None) -> bool:
    """Whether somebody shows a second factor."""
    factor = select(SecondFactor.person_id).where(
        SecondFactor.person_id == person_id, SecondFactor.confirmed_at.is_not(None)
    )
    return unit.session.scalar(factor) is not None


class Shown(StrEnum):
    """By what somebody showed that it is they, beside the password or the account at the identity provider."""

    nothing = "nothing"
    authenticator = "authenticator"
    recovery_code = "recovery_code"
    provider = "provider"


def take_code(unit: Unit, person_id: int, code: str) -> Shown:
    """Take a code of somebody's authenticator, confirmed or not, or one of their recovery codes; it is used up. Of two
    requests with one code the second is refused. Raises SecondFactorWrong, SecondFactorUnreadable."""
    folded = "".join(char for char in normal(code).casefold() if char.isalnum())
    if folded.isdecimal() and len(folded) == 6:
        _take_number(unit, person_id, folded)
        return Shown.authenticator
    _take_recovery_code(unit, person_id, folded)
    return Shown.recovery_code


def new_recovery_codes(unit: Unit, person_id: int) -> tuple[str, ...]:
    """Ten codes in place of those of before; they are kept nowhere else."""
    unit.session.query(RecoveryCode).filter_by(person_id=person_id).delete()
    made = ["".join(secrets.choice(_CLEAR_LETTERS) for _ in range(_GROUPS * _GROUP)) for _ in range(RECOVERY_CODES)]
    unit.session.add_all(RecoveryCode(person_id=person_id, digest=_digest(code)) for code in made)
    unit.session.flush()
    return tuple("-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP)) for code in made)


def _take_number(unit: Unit, person_id: int, number: str) -> None:
    factor = unit.session.get(SecondFactor, person_id)
    if factor is None:
        raise SecondFactorWrong
    secret = readable(unit.vault, factor.secret_sealed, SECRET, str(person_id))
    if secret == UNREADABLE:
        raise SecondFactorUnreadable
    totp = pyotp.TOTP(secret)
    now = int(unit.now.timestamp()) // STEP_SECONDS
    steps = [now + off for off in _STEPS_OFF if hmac.compare_digest(totp.generate_otp(now + off), number)]
    taken = unit.session.execute(
        update(SecondFactor)
        .where(SecondFactor.person_id == person_id, SecondFactor.last_step < (steps[0] if steps else 0))
        .values(last_step=steps[0] if steps else 0)
        .returning(SecondFactor.person_id)
    ).one_or_none()
    if taken is None:
        raise SecondFactorWrong


def _take_recovery_code(unit: Unit, person_id: int, code: str) -> None:
    taken = unit.session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.person_id == person_id, RecoveryCode.digest == _digest(code), RecoveryCode.used_at.is_(None)
        )
        .values(used_at=unit.now)
        .returning(RecoveryCode.person_id)
    ).one_or_none()
    if taken is None:
        raise SecondFactorWrong


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
