"""What somebody is told that was done to their account."""

from service.core.errors import Bilingual
from service.core.unit import Unit
from service.identity.second_factors import reset_second_factor
from service.notifications.audience import these_people
from service.notifications.telling import tell


def reset_second_factor_and_tell(unit: Unit, username: str) -> None:
    """Reset somebody's second factor, and tell them: who did not ask for it has to know.

    Raises PersonNotFound, NotOneself, SecondFactorNotBegun.
    """
    person_id = reset_second_factor(unit, username)
    tell(
        unit,
        [target for target in these_people(unit, [person_id]) if target.person_id == person_id],
        Bilingual(
            "您的动态验证码已由管理员重置,请在“我的账号”中重新设置。如非本人要求,请立即更改密码并联系管理员。",
            "An administrator has reset your second factor; set it anew under “My account”. If you did not ask for it, "
            "change your password and call the administrator at once.",
        ),
        key=f"second-factor-reset:{username}:{int(unit.now.timestamp())}",
    )
