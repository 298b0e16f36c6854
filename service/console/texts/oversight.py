"""Supervision, quality checks, and what is left out of a score."""

PAIRS: dict[str, tuple[str, str]] = {
    # Supervision
    "nav.supervisions": ("督办", "Supervisions"),
    "supervision.title": ("未办结的督办", "Open supervisions"),
    "supervision.none": ("没有未办结的督办。", "Nothing stands under supervision."),
    "supervision.instruction": ("督办要求", "Instruction"),
    "supervision.union": ("承办单位", "Union"),
    "supervision.answer_by": ("答复期限", "Answer by"),
    "supervision.waits": ("现状", "Waits for"),
    "supervision.to_answer": ("待承办单位答复", "the union's answer"),
    "supervision.to_review": ("已答复,待审核", "answered, to be reviewed"),
    "supervision.late": ("逾期未答复", "late"),
    "field.final_answer": ("最终答复", "The answer for good"),
    "hint.final_answer": (
        "重办次数已用尽。写明核查结果、不能解决的原因和其他救济途径;由工会负责人签发。",
        "No round is left. Say what was found, why it can't be settled and what else is open to the worker; the "
        "head of the union signs it.",
    ),
    # Quality checks
    "nav.quality": ("质检", "Quality checks"),
    "quality.title": ("待质检的工单", "Tickets to check"),
    "quality.about": (
        "反馈审核通过后按级别抽取。合格的到此为止;不合格的重新办理,重办次数用尽的转督办。",
        "Drawn by tier when a reply is signed. What passes is done; what fails is done again, or supervised where "
        "no round is left.",
    ),
    "quality.none": ("没有待质检的工单。", "Nothing waits for a quality check."),
    "quality.union": ("承办单位", "Union"),
    "quality.round": ("轮次", "Round"),
    "quality.drawn": ("抽中时间", "Drawn at"),
    "field.quality_fault": ("问题", "What is wrong"),
    "hint.quality_fault": (
        "承办单位会看到这段话,并须重新办理。",
        "The union reads this and has to do the matter again.",
    ),
    # What is left out of a score
    "nav.exclusions": ("剔除申请", "Exclusions"),
    "exclusion.title": ("待我决定的剔除申请", "Exclusions that wait for my word"),
    "exclusion.none": ("没有待您决定的剔除申请。", "No exclusion waits for your word."),
    "exclusion.about": ("剔除内容", "What"),
    "exclusion.reason": ("申请理由", "Why"),
    "exclusion.asked": ("申请单位", "Asked by"),
    "exclusion.supported": ("已同意", "Supported by"),
    "exclusion.decided": ("决定", "Decided by"),
    "exclusion.of_ticket": ("剔除申请", "Exclusions"),
    "exclusion.waits": ("待决定,仍计入考核", "waits; it counts as before"),
    "exclusion.note": (
        "须由两人先后同意,且都不属于申请单位。评价和逾期本身不变,只在考核中剔除。",
        "Two people agree one after the other, neither of the union that asks. The rating and the breach stay; "
        "only the score leaves them out.",
    ),
    "field.excludable": ("申请剔除的内容", "What is to be left out"),
    "field.round": ("第几轮办理", "Which round"),
    "hint.round": ("留空为最近一次", "Empty: the latest"),
    "field.exclusion_reason": ("申请理由", "Why"),
    "hint.exclusion": (
        "评价只有原因为政策不允许或诉求过高时可申请,每项一次",
        "A rating only where policy or the demand was the reason; each once",
    ),
    "report.excluded": ("其中已剔除", "of these excluded"),
    "report.late_counted": ("考核逾期", "late in the score"),
    "report.excluded_by": ("已剔除:{first}、{second}", "excluded by {first} and {second}"),
}
