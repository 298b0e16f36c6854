"""Refusals of the rating room."""

from service.core.errors import Conflict, Forbidden, Gone, Malformed, NotFound


class RaterIsHandler(Forbidden):
    zh = "经办人不能为自己办理的工单做回访。"
    en = "Who handled a ticket cannot record its call-back."


class AnswersIncomplete(Malformed):
    zh = "回访成功时须逐项填写:是否联系、是否解决、是否满意(1-5);不满意时须填写原因。"
    en = "A successful call-back records contacted, resolved and satisfaction (1-5), and a reason when dissatisfied."


class AnswersWithoutCall(Malformed):
    zh = "未接通或拒答时不能填写评价。"
    en = "There can be no answers when the worker was not reached or refused."


class UnreachableTooEarly(Conflict):
    zh = "须在至少 {days} 天、2 个时段内回访满 {attempts} 次后,才能按“无法接通”办结(已 {made} 次)。"
    en = "Closing as unreachable needs {attempts} attempts on {days} days in 2 time bands ({made} made)."


class RatingLinkInvalid(NotFound):
    zh = "评价链接无效,请核对短信中的完整链接。"
    en = "This rating link is not valid; please check the whole link in the message."


class RatingLinkExpired(Gone):
    zh = "评价链接已过期。如需评价请拨打 12351。"
    en = "This rating link has expired. To rate, please call 12351."


class RatingNotOpen(Conflict):
    zh = "该工单本次办理的评价已结束,感谢您的参与。"
    en = "Rating for this round of the ticket is over; thank you."
