"""Setting up one's second factor, doing without it, and an administrator's reset of a lost one."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

import pyotp
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from service.audit.recording import record
from service.core.errors import Conflict, Malformed
from service.core.unit import Unit
from service.core.unreadable import UNREADABLE, readable
from service.identity.errors import SecondFactorUnreadable, SecondFactorWrong
from service.identity.keeping import lock_other
from service.identity.logins import end_logins_of, end_other_logins
from service.identity.models import LoginToken
from service.identity.otp import SECRET, RecoveryCode, SecondFactor, new_recovery_codes, take_code

_ISSUER = "12351"


class SecondFactorThere(Conflict):
    zh = "动态验证码已启用。要换手机或验证器,请先停用,再重新设置。"
    en = "The second factor is set already. To move it to another device, remove it first and set it anew."


class SecondFactorNotBegun(Conflict):
    zh = "还没有开始设置动态验证码。"
    en = "No second factor is being set up, or there is none."


class SecondFactorCompulsory(Conflict):
    zh = "您的岗位必须使用动态验证码,不能停用;更换设备请由管理员重置。"
    en = "Your role requires the second factor; an administrator resets it when the device is lost."


class SecondFactorLost(Conflict):
    """Said to somebody who is logged in."""

    zh = SecondFactorUnreadable.zh
    en = SecondFactorUnreadable.en


class CodeNotRight(Malformed):
    """Said to somebody who is logged in and shows a code of their own."""

    zh = SecondFactorWrong.zh
    en = SecondFactorWrong.en


@dataclass(frozen=True, slots=True)
class Setup:
    """What an authenticator is told: the secret (base32), and the same as an address to be shown as a QR code."""

    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class SecondFactorView:
    """Since when somebody shows a second factor, and how many recovery codes are left."""

    confirmed_at: datetime | None
    codes_left: int


def own_second_factor(unit: Unit) -> SecondFactorView:
    """The actor's own."""
    left = unit.session.scalar(
        select(func.count()).where(RecoveryCode.person_id == unit.actor.id, RecoveryCode.used_at.is_(None))
    )
    factor = unit.session.get(SecondFactor, unit.actor.id)
    return SecondFactorView(confirmed_at=factor.confirmed_at if factor else None, codes_left=left or 0)


def begin_second_factor(unit: Unit) -> Setup:
    """A new secret for the actor's authenticator; it counts when a code of it has been shown. Raises
    SecondFactorThere."""
    person_id = _own_id(unit)
    secret = pyotp.random_base32()
    values = {"secret_sealed": unit.vault.seal(secret, SECRET, str(person_id)), "begun_at": unit.now, "last_step": 0}
    begun = unit.session.execute(
        insert(SecondFactor)
        .values(person_id=person_id, **values)
        .on_conflict_do_update(index_elements=["person_id"], set_=values, where=SecondFactor.confirmed_at.is_(None))
        .returning(SecondFactor.person_id)
    ).one_or_none()
    if begun is None:
        raise SecondFactorThere
    return _setup(unit, secret)


def setup_under_way(unit: Unit) -> Setup:
    """What was begun and is not confirmed. Raises SecondFactorNotBegun."""
    factor = unit.session.get(SecondFactor, unit.actor.id)
    if factor is None or factor.confirmed_at is not None:
        raise SecondFactorNotBegun
    secret = readable(unit.vault, factor.secret_sealed, SECRET, str(factor.person_id))
    if secret == UNREADABLE:
        raise SecondFactorNotBegun
    return _setup(unit, secret)


def confirm_second_factor(unit: Unit, code: str) -> tuple[str, ...]:
    """Show the first code; answers ten recovery codes, kept nowhere else. The actor's other logins end, for they did
    not show it. Raises SecondFactorNotBegun, CodeNotRight."""
    person_id = _own_id(unit)
    setup_under_way(unit)
    _take(unit, person_id, code)
    unit.session.execute(update(SecondFactor).where(SecondFactor.person_id == person_id).values(confirmed_at=unit.now))
    if unit.actor.login is not None:
        unit.session.execute(
            update(LoginToken).where(LoginToken.id == unit.actor.login.id).values(owes_second_factor=False)
        )
    end_other_logins(unit)
    record(unit, "person:second-factor", subject=unit.actor.name, after={"set": True})
    return new_recovery_codes(unit, person_id)


def renew_recovery_codes(unit: Unit, code: str) -> tuple[str, ...]:
    """Ten codes in place of those of before. Raises SecondFactorNotBegun, CodeNotRight."""
    _take_own(unit, code)
    record(unit, "person:recovery-codes", subject=unit.actor.name)
    return new_recovery_codes(unit, _own_id(unit))


def remove_second_factor(unit: Unit, code: str, *, compulsory: AbstractSet[str]) -> None:
    """Do without it, unless one's role must not. Raises SecondFactorCompulsory, SecondFactorNotBegun,
    CodeNotRight."""
    if unit.actor.roles & compulsory:
        raise SecondFactorCompulsory
    _take_own(unit, code)
    _forget(unit, _own_id(unit))
    record(unit, "person:second-factor", subject=unit.actor.name, before={"set": True}, after={"set": False})


def reset_second_factor(unit: Unit, username: str) -> int:
    """For somebody who lost the device: the password alone opens again, every login of theirs ends; answers their id.

    Raises PersonNotFound, NotOneself, SecondFactorNotBegun.
    """
    person = lock_other(unit, username)
    if not _forget(unit, person.id):
        raise SecondFactorNotBegun
    end_logins_of(unit, username)
    record(unit, "person:second-factor", subject=username, before={"set": True}, after={"set": False})
    return person.id


def _take_own(unit: Unit, code: str) -> None:
    factor = unit.session.get(SecondFactor, _own_id(unit))
    if factor is None or factor.confirmed_at is None:
        raise SecondFactorNotBegun
    _take(unit, factor.person_id, code)


def _take(unit: Unit, person_id: int, code: str) -> None:
    try:
        take_code(unit, person_id, code)
    except SecondFactorWrong:
        raise CodeNotRight from None
    except SecondFactorUnreadable:
        raise SecondFactorLost from None


def _forget(unit: Unit, person_id: int) -> int:
    unit.session.query(RecoveryCode).filter_by(person_id=person_id).delete()
    return unit.session.query(SecondFactor).filter_by(person_id=person_id).delete()


def _setup(unit: Unit, secret: str) -> Setup:
    return Setup(secret=secret, uri=pyotp.TOTP(secret).provisioning_uri(name=unit.actor.name, issuer_name=_ISSUER))


def _own_id(unit: Unit) -> int:
    if unit.actor.id is None:
        raise SecondFactorNotBegun
    return unit.actor.id
