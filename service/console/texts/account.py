"""One's own account, and the people an administrator keeps."""

PAIRS: dict[str, tuple[str, str]] = {
    "nav.account": ("我的账号", "My account"),
    "account.title": ("我的账号", "My account"),
    "account.change_password": ("更改密码", "Change the password"),
    "account.logins": ("登录情况", "Where I am logged in"),
    "account.logins_note": (
        "如有不认识的登录,请立即注销并更改密码。最近使用时间每几分钟记一次。",
        "If there is one that you don't know, end it and change your password. The last use is noted every few "
        "minutes.",
    ),
    "account.program": ("程序", "Program"),
    "account.address": ("地址", "Address"),
    "account.began": ("登录时间", "Since"),
    "account.used": ("最近使用", "Last used"),
    "account.present": ("本次登录", "this login"),
    "account.not_known": ("不详", "not known"),
    "account.end": ("注销", "End it"),
    "account.end_others": ("注销其他所有登录", "Log out everywhere else"),
    "account.ended": ("已注销,对应的令牌立即失效。", "Ended: it opens nothing any more."),
    "account.password_changed": (
        "密码已更改,其他登录已全部注销。",
        "The password is changed, and every other login ended.",
    ),
    "account.password_rules": (
        "{least} 至 {most} 个字符,可以用空格和汉字,不要求字母、数字、符号都有,也不必定期更换;一句自己的话最好记。"
        "常用或已泄露的密码、姓名、本热线的用语、重复和连续的字符不能用。",
        "{least} to {most} characters of any kind, spaces and Chinese too; a sentence of your own is easy to keep. Not "
        "taken are common and breached ones, names, words of this hotline, repetitions and rows of the keyboard.",
    ),
    "account.present_password": ("当前密码", "The present password"),
    "account.new_password": ("新密码", "The new password"),
    "account.again": ("再输入一次新密码", "The new password again"),
}
