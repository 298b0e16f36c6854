"""Refusals of the identity room."""

from service.core.errors import Conflict, Forbidden, Malformed, NotFound, TooMany, Unauthenticated, Unavailable


class LoginFailed(Unauthenticated):
    zh = "用户名或密码不正确。"
    en = "The user name or the password is not right."


class LoginLocked(TooMany):
    """Said to a place that tried too often, whether or not there is such a name."""

    zh = "输错次数过多,请 {minutes} 分钟后再试。在您以前登录过的电脑上不受他人尝试的影响。"
    en = "Too many wrong tries; try again in {minutes} minutes. Where you logged in before, others' tries do not count."


class PasswordToBeChanged(Forbidden):
    """The password was chosen by somebody else; until it is changed the login is good for nothing else."""

    zh = "初始密码只能使用一次:请先在“我的账号”中设置自己的密码。"
    en = "This password was given to you for one login: first choose one of your own under “My account”."


class SecondFactorToBeSet(Forbidden):
    """The role requires a second factor, and there is none yet; until it is set the login is good for nothing else."""

    zh = "您的岗位必须使用动态验证码:请先在“我的账号”中设置。"
    en = "Your role requires a second factor: first set it up under “My account”."


class SecondFactorNeeded(LoginFailed):
    """Said after the right password alone. `proof` shows for a few minutes that it was right."""

    zh = "还需要动态验证码:请输入验证器中的 6 位数字,或一个备用码。"
    en = "The second factor is needed as well: the six digits of your authenticator, or a recovery code."


class SecondFactorWrong(LoginFailed):
    zh = "验证码不正确、已过期或已用过,请等待下一个。"
    en = "The code is wrong, too old or used already; wait for the next one."


class SecondFactorUnreadable(LoginFailed):
    """The authenticator's secret as it is stored does not open; nobody's code can be checked against it."""

    zh = "系统无法核对您的动态验证码(存储的密钥已损坏)。请改用备用码登录,或请管理员重置您的动态验证码。"
    en = (
        "Your authenticator's codes can't be checked: what is stored of it is damaged. Log in with a recovery code, or"
        " ask an administrator to reset your second factor."
    )


class NotLoggedIn(Unauthenticated):
    zh = "请先登录;登录可能已过期。"
    en = "Please log in; the login may have expired."


class PersonNotFound(NotFound):
    """Nobody of this name works below the actor's union."""

    zh = "找不到人员 {username},或其不在您的管辖范围内。"
    en = "There is nobody called {username} in your union or below it."


class UsernameTaken(Conflict):
    zh = "用户名 {username} 已存在。"
    en = "The user name {username} exists already."


class UsernameInvalid(Malformed):
    zh = "用户名须为 2 至 64 位小写字母、数字或 . _ -,以字母或数字开头。"
    en = "A user name has 2 to 64 lower-case letters, digits or . _ - and begins with a letter or digit."


class ProviderAway(Unavailable):
    """The identity provider can't be reached, is too slow, or is out of order."""

    zh = "统一身份认证暂时连接不上。请过几分钟再试,或用密码登录;一直如此请告知管理员。"
    en = (
        "The identity provider can't be reached at the moment. Try again in a few minutes or use your password; if it "
        "stays so tell the administrator."
    )


class ProviderDenied(Unauthenticated):
    """The provider answered with a refusal of its own: cancelled, or not allowed to use this client."""

    zh = "统一身份认证没有放行:登录被取消,或您在该处没有使用本热线的权限。请重试;仍不行请联系该处管理员,或用密码登录。"
    en = (
        "The identity provider did not let you through: it was cancelled, or you may not use this hotline there. Try "
        "again, ask whoever runs it, or use your password."
    )


class ProviderNotTrusted(Unauthenticated):
    """What came back is not what the provider would send to us: signature, audience, issuer, nonce, or its set-up."""

    zh = "统一身份认证返回的凭证未通过核验,没有登录。再试一次仍如此,请告知本系统管理员核对接入设置,或用密码登录。"
    en = (
        "What the identity provider sent did not pass our checks, so you are not logged in. If it happens again "
        "tell this system's administrator to check how it is set up, or use your password."
    )


class ProviderClockApart(Unauthenticated):
    """Expired when it came, or made in the future."""

    zh = "统一身份认证的时钟与本系统不一致,凭证不在有效期内。请告知管理员校准两边的时间,或用密码登录。"
    en = (
        "The clocks of the identity provider and this system do not agree, so what it sent is not valid now. Tell "
        "the administrator to set them, or use your password."
    )


class LoginInterrupted(Unauthenticated):
    """The way to the provider and back was not begun in this browser, took too long, or has been used."""

    zh = "这次登录已中断:停留过久、换了浏览器,或返回的地址已用过。请重新登录。"
    en = "This login was interrupted: it took too long, came back in another browser, or was used already. Begin again."


class IdentityUnknown(Forbidden):
    """Nobody here, or somebody who has left: the two look the same on purpose."""

    zh = (
        "您在统一身份认证的账号没有关联本热线在用的人员。有密码的,请用密码登录后在“我的账号”中关联;没有密码的,请联系本单位"
        "的热线管理员登记。"
    )
    en = (
        "Your account at the identity provider belongs to nobody who works here. If you have a password log in "
        "with it and link the account under “My account”; if not ask your union's hotline administrator."
    )


class IdentityTaken(Conflict):
    zh = "该账号已关联另一名人员。一个账号只能关联一人,请先解除原有关联。"
    en = "That account is linked to somebody else. It can open one person's login only: unlink it there first."


class IdentityThere(Conflict):
    zh = "已关联一个账号,请先解除。"
    en = "An account is linked already; unlink it first."


class IdentityNotThere(NotFound):
    zh = "没有关联账号。"
    en = "No account is linked."


class AccountInvalid(Malformed):
    zh = "账号须为 1 至 255 个可显示的字符。"
    en = "An account has 1 to 255 printable characters."


class ProviderNotSet(Conflict):
    zh = "未启用统一身份认证(HOTLINE_OIDC_ISSUER)。"
    en = "No identity provider is set (HOTLINE_OIDC_ISSUER)."
