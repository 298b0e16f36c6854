"""What somebody is told that was done to their account, and administrators of what gives power: a new one among them, a
key of a peer system. Who did it secretly in another's name is so found out by those who did not.
"""

from datetime import timedelta

from service.core.errors import Bilingual
from service.core.unit import Unit
from service.identity.identities import EnterIdentity, ShownIdentity, enter_identity, link_own
from service.identity.keeping import AddPerson, ChangePerson, add_person, change_person, person_row
from service.identity.peers import OVERLAP, AddPeer, Peer, PeerKey, add_peer, rotate_peer
from service.identity.people import person_below
from service.identity.permissions import Role
from service.identity.providers import ProviderSettings
from service.identity.second_factors import reset_second_factor
from service.notifications.audience import administrators_over, these_people
from service.notifications.telling import tell


def reset_second_factor_and_tell(unit: Unit, username: str) -> None:
    """Reset somebody's second factor, and tell them: who did not ask for it has to know.

    Raises PersonNotFound, NotOneself, SecondFactorNotBegun.
    """
    person_id = reset_second_factor(unit, username)
    _tell(
        unit,
        person_id,
        Bilingual(
            "您的动态验证码已由管理员重置,请在“我的账号”中重新设置。如非本人要求,请立即更改密码并联系管理员。",
            "An administrator has reset your second factor; set it anew under “My account”. If you did not ask for it, "
            "change your password and call the administrator at once.",
        ),
        key=f"second-factor-reset:{username}:{int(unit.now.timestamp())}",
    )


def add_person_and_tell(unit: Unit, command: AddPerson) -> str:
    """As add_person; of a new administrator the others over that union are told."""
    password = add_person(unit, command)
    if Role.admin in command.roles:
        tell_of_administrator(unit, command.username)
    return password


def change_person_and_tell(unit: Unit, command: ChangePerson) -> None:
    """As change_person; of somebody who becomes an administrator the others over that union are told."""
    before = person_row(unit, command.username).roles
    change_person(unit, command)
    if Role.admin in person_row(unit, command.username).roles and Role.admin not in before:
        tell_of_administrator(unit, command.username)


def add_peer_and_tell(unit: Unit, command: AddPeer) -> PeerKey:
    """As add_peer; the other administrators over its union are told."""
    made = add_peer(unit, command)
    _tell_of_key(unit, made, command.org_code)
    return made


def rotate_peer_and_tell(unit: Unit, peer_id: int, *, overlap: timedelta = OVERLAP) -> PeerKey:
    """As rotate_peer; the other administrators over its union are told."""
    made = rotate_peer(unit, peer_id, overlap=overlap)
    _tell_of_key(unit, made, unit.session.get_one(Peer, peer_id).org_code)
    return made


def tell_of_administrator(unit: Unit, username: str) -> None:
    """Tell the others over their union that somebody became an administrator."""
    person = person_below(unit, username)
    words = Bilingual(
        f"{unit.actor.name} 将 {username} 设为管理员。如非事先知悉,请在“人员管理”中核对。",
        f"{unit.actor.name} made {username} an administrator. If you did not know of it, look at “People”.",
    )
    _tell_the_others(unit, person.org_code, words, key=f"administrator:{username}", but=person.id)


def _tell_of_key(unit: Unit, made: PeerKey, org_code: str) -> None:
    words = Bilingual(
        f"{unit.actor.name} 为对接系统 {made.name} 生成了新密钥。如非事先知悉,请在“对接系统”中核对,必要时停用。",
        f"{unit.actor.name} made a new key for the peer system {made.name}. If you did not know of it, look at “Peer "
        "systems” and revoke it if need be.",
    )
    _tell_the_others(unit, org_code, words, key=f"peer-key:{made.id}")


def _tell_the_others(unit: Unit, org_code: str, words: Bilingual, *, key: str, but: int | None = None) -> None:
    others = [each for each in administrators_over(unit, org_code) if each.person_id not in (unit.actor.id, but)]
    tell(unit, others, words, key=f"{key}:{int(unit.now.timestamp())}", urgent=True)


def enter_identity_and_tell(unit: Unit, command: EnterIdentity, *, provider: ProviderSettings) -> None:
    """Say which account is somebody's, and tell them: it opens their login. Raises what enter_identity raises."""
    person_id = enter_identity(unit, command, provider=provider)
    _tell(
        unit,
        person_id,
        Bilingual(
            "管理员为您登记了统一身份认证账号,今后可用它登录。如非您的账号,请立即联系管理员解除。",
            "An administrator has entered your account at the identity provider: it opens your login from now on. If "
            "it is not yours, have it taken away at once.",
        ),
        key=f"identity-entered:{command.username}:{int(unit.now.timestamp())}",
    )


def link_own_and_tell(unit: Unit, shown: ShownIdentity) -> None:
    """Link the account that was shown to the actor, and tell them: somebody with their password may have done it.
    Raises what link_own raises."""
    link_own(unit, shown)
    if unit.actor.id is not None:
        _tell(
            unit,
            unit.actor.id,
            Bilingual(
                "您的账号已关联统一身份认证,今后可用它登录。如非本人操作,请立即更改密码,并在“我的账号”中解除关联。",
                "An account at the identity provider was linked to yours and opens your login from now on. If it was "
                "not you, change your password and unlink it under “My account” at once.",
            ),
            key=f"identity-linked:{unit.actor.name}:{int(unit.now.timestamp())}",
        )


def _tell(unit: Unit, person_id: int, what: Bilingual, *, key: str) -> None:
    targets = [target for target in these_people(unit, [person_id]) if target.person_id == person_id]
    tell(unit, targets, what, key=key)
