"""Refusals of the identity room."""

from service.core.errors import Conflict, Malformed, TooMany, Unauthenticated


class LoginFailed(Unauthenticated):
    zh = "用户名或密码不正确。"
    en = "The user name or the password is not right."


class LoginLocked(TooMany):
    zh = "连续输错密码次数过多,请 {minutes} 分钟后再试。"
    en = "Too many wrong passwords; try again in {minutes} minutes."


class NotLoggedIn(Unauthenticated):
    zh = "请先登录;登录可能已过期。"
    en = "Please log in; the login may have expired."


class UsernameTaken(Conflict):
    zh = "用户名 {username} 已存在。"
    en = "The user name {username} exists already."


class UsernameInvalid(Malformed):
    zh = "用户名须为 2 至 64 位小写字母、数字或 . _ -,以字母或数字开头。"
    en = "A user name has 2 to 64 lower-case letters, digits or . _ - and begins with a letter or digit."


class PasswordTooShort(Malformed):
    zh = "密码至少 {least} 个字符。"
    en = "A password has at least {least} characters."
