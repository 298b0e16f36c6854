"""What stands on every page: the menu, the login, refusals, the inbox."""

PAIRS: dict[str, tuple[str, str]] = {
    "site.name": ("工会热线工单", "Union hotline"),
    "site.worker_name": ("职工服务热线", "Workers' hotline"),
    "site.skip": ("跳到正文", "Skip to the content"),
    "word.yes": ("是", "yes"),
    "list.comma": ("、", ", "),
    # Menu
    "nav.label": ("主菜单", "Main menu"),
    "nav.queue": ("待办工单", "Queue"),
    "nav.tickets": ("全部工单", "All tickets"),
    "nav.intake": ("新建工单", "New ticket"),
    "nav.report": ("逾期报告", "Breach report"),
    "nav.rules": ("日历与规则", "Calendar and rules"),
    "nav.inbox": ("消息", "Notices"),
    "live.close": ("关闭", "Close"),
    "nav.unread": ("{count} 条未读", "{count} unread"),
    "nav.jump": ("查找工单", "Find tickets"),
    "nav.go": ("查找", "Go"),
    "nav.logout": ("退出", "Log out"),
    # Login
    "login.title": ("登录", "Log in"),
    "login.username": ("用户名", "User name"),
    "login.password": ("密码", "Password"),
    "login.submit": ("登录", "Log in"),
    "login.failed": ("登录未成功", "Not logged in"),
    "expired.title": ("登录已过期", "Your login has expired"),
    "expired.text": (
        "刚才的内容没有保存。请先复制下面您填写的文字,重新登录后再提交。",
        "What you sent was not saved. Copy your words below, log in again and send them once more.",
    ),
    "expired.copy": ("您刚才填写的内容", "What you wrote"),
    "expired.login": ("重新登录", "Log in again"),
    # Refusals
    "box.not_saved": ("没有保存", "Not saved"),
    "box.put_right": ("有 {count} 处需要更正,尚未保存", "{count} to put right; nothing is saved yet"),
    "advice.403": (
        "请返回上一页。如确需办理,请联系本单位管理员。",
        "Please go back. If you need this, ask your administrator.",
    ),
    "advice.404": (
        "请核对工单号或网址;工单可能已转到其他单位。",
        "Check the number or the address; the ticket may have moved to another union.",
    ),
    "advice.405": ("请从首页重新进入。", "Please start again from the first page."),
    "advice.409": ("请返回上一页,刷新后再试。", "Please go back, reload the page and try again."),
    "advice.413": (
        "请返回上一页,换一个小一些的文件,或只保留需要的文字。一份放假通知只有两三千字。",
        "Go back and send a smaller file, or only the text that is needed; a notice has two or three thousand "
        "characters.",
    ),
    "advice.429": ("请稍等几分钟再试。", "Please wait a few minutes and try again."),
    "advice.503": ("请稍后再试。", "Please try again shortly."),
    "advice.worker": ("如需帮助请拨打 12351。", "If you need help, please call 12351."),
    "advice.other": (
        "请返回上一页再试;仍不成功,请联系管理员。",
        "Please go back and try again; if it fails again, tell your administrator.",
    ),
    "error.number": ("报修时请告知编号:", "When you report it, name this number:"),
    "error.home": ("回到首页", "To the first page"),
    # Inbox
}
