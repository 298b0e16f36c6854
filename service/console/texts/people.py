"""Who is away, and who keeps out."""

PAIRS: dict[str, tuple[str, str]] = {
    # Absences and recusals
    "nav.absences": ("请假代理", "Absences"),
    "absence.title": ("请假与代理(AB角)", "Absences and deputies"),
    "absence.person": ("人员", "Who"),
    "absence.days": ("日期", "Days"),
    "absence.deputy": ("代理人", "Deputy"),
    "absence.reason": ("原因", "Reason"),
    "absence.from_to": ("{first} 至 {last}", "{first} to {last}"),
    "absence.cancel": ("取消", "Cancel"),
    "absence.none": ("目前没有请假记录。", "Nobody is recorded as absent."),
    "absence.new": ("登记请假", "Record an absence"),
    "absence.note": (
        "请假期间,发给本人的消息同时发给代理人。首尾两天都算在内。",
        "As long as it lasts, the deputy is told whatever the person is told. Both days belong to it.",
    ),
    "absence.record": ("登记", "Record"),
    "field.absence_person": ("请假人", "Who is away"),
    "field.absence_from": ("第一天", "First day"),
    "field.absence_to": ("最后一天", "Last day"),
    "field.absence_deputy": ("代理人(B角)", "Deputy"),
    "field.absence_reason": ("原因", "Reason"),
    "recusal.title": ("申报回避", "Keep out of this matter"),
    "recusal.note": (
        "与本案有利害关系的,应当回避。申报后您将看不到该工单,不能办理,也不再收到其消息;不可撤销。",
        "Who has an interest in a matter keeps out of it. You will no longer see this ticket, act on it or hear of "
        "it, and that can't be undone.",
    ),
    "recusal.declare": ("申报回避", "Keep out"),
    "recusal.back": ("返回工单", "Back to the ticket"),
    "recusal.open": ("与本案有利害关系?申报回避", "An interest in this matter? Keep out of it"),
    "field.recusal_reason": ("利害关系", "The interest"),
    "inbox.title": ("消息", "Notices"),
    "inbox.unread": ("{count} 条未读", "{count} unread"),
    "inbox.empty": ("没有消息。", "There are no notices."),
    "inbox.new": ("未读", "new"),
    "inbox.open": ("查看工单", "Open the ticket"),
    "inbox.mark_read": ("标为已读", "Mark as read"),
    "inbox.read_all": ("本页全部标为已读", "Mark all on this page as read"),
}
