"""Refusals of the identity room."""

from service.core.errors import Conflict, Forbidden, Malformed, NotFound, TooMany, Unauthenticated


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
