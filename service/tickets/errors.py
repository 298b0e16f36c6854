"""Refusals of the ticket room. The class name is the sentence that failed."""

from service.core.errors import Bilingual, Conflict, Forbidden, Malformed, NotFound

# The fields of the form that only some categories demand, as the form calls them.
FIELD_NAMES = {
    "employer": Bilingual("用人单位", "employer"),
    "people_count": Bilingual("涉及人数", "people concerned"),
    "amount_owed": Bilingual("涉及金额", "amount owed"),
}


class TicketNotFound(NotFound):
    """No such ticket, or it lies outside the actor's scope: the answer is the same on purpose."""

    zh = "找不到工单 {number},或您的单位无权查看。"
    en = "There is no ticket {number}, or your union may not see it."


class PermissionMissing(Forbidden):
    zh = "您的岗位不能执行“{step}”。如确有需要,请联系本单位管理员。"
    en = "Your role does not allow you to {step}. If you need it, ask your administrator."


class NotTheCentre(Forbidden):
    zh = "“{step}”只能由省级热线中心执行。"
    en = "Only the provincial centre can {step}."


class NotTheHolder(Forbidden):
    zh = "工单现由{holder}承办,“{step}”只能由该单位执行。"
    en = "The ticket is with {holder} now; only that union can {step}."


class NotTheLead(Forbidden):
    zh = "“{step}”只能由下派该工单的主办单位执行。"
    en = "Only the union that passed the ticket down can {step}."


class NotInCharge(Forbidden):
    zh = "“{step}”只能由承办或主办该工单的工会、或省级热线中心执行。"
    en = "Only the unions that handle the ticket and the provincial centre can {step}."


class NotAboveTheHolder(Forbidden):
    zh = "“{step}”须由承办单位的上级工会执行。"
    en = "Only a union above the one that has the ticket can {step}."


class StepNotPossible(Conflict):
    zh = "工单 {number} 现为“{state}”,不能“{step}”。现在可以:{possible}。"
    en = "Ticket {number} is {state}; it is not possible to {step}. Possible now: {possible}."


class TicketChangedMeanwhile(Conflict):
    zh = "工单 {number} 已被{who}于 {when} 更新({what}),您看到的不是最新内容,本次未保存。请核对后再操作。"
    en = (
        "Ticket {number} was changed by {who} at {when} ({what}) after you read it. "
        "Nothing was saved; look at the ticket as it is now and repeat if it still fits."
    )


class RequestAlreadyOpen(Conflict):
    zh = "工单 {number} 已有一项待审批的{kind}申请,请等待处理结果。"
    en = "Ticket {number} already has a request for {kind} that waits for a decision."


class NoOpenRequest(Conflict):
    zh = "工单 {number} 没有待审批的{kind}申请。"
    en = "Ticket {number} has no request for {kind} to decide."


class ReturnGoesToTheUnionAbove(Conflict):
    zh = "工单 {number} 由上级工会下派,退回由该上级工会裁定(申请退回上级、收回自办)。"
    en = "Ticket {number} was passed down; handing it back is for the union above to decide (return-up, take-back)."


class DispatchIsAdjudicated(Conflict):
    zh = "该派单已经裁定,不能再退单。"
    en = "This dispatch was adjudicated; it cannot be returned again."


class UnionAlreadyReturnedIt(Conflict):
    zh = "贵单位已对本工单退单一次,不能再次退单。"
    en = "Your union has returned this ticket once already; it cannot return it again."


class DispatchGoesBackToReturner(Conflict):
    zh = "{union}已获准退回本工单,改派回该单位须选择“裁定派单”。"
    en = "{union} was allowed to return this ticket; dispatching it there again must be an adjudicated dispatch."


class CannotDispatchToProvince(Malformed):
    zh = "派单对象须为市州或区县工会。"
    en = "A ticket is dispatched to a city or county union."


class ExtensionTooLate(Conflict):
    zh = "延期须在办理期限({due})之前、且到期当日 17:00 之前提出。"
    en = "An extension must be asked for before the deadline ({due}), and before 17:00 on its last day."


class ExtensionsUsedUp(Conflict):
    zh = "本工单已延期 {count} 次,不能再次延期。"
    en = "This ticket was extended {count} times; no further extension is possible."


class ExtensionTooLong(Malformed):
    zh = "单次延期不超过 {limit} 个工作日。"
    en = "One extension is at most {limit} working days."


class DeadlinePassed(Conflict):
    zh = "办理期限({due})已过,逾期事实不能以延期消除。"
    en = "The deadline ({due}) has passed; an extension cannot undo that."


class ReviewDateOutOfRange(Malformed):
    zh = "挂起须填写复核日期,且累计挂起不超过 {limit} 天(尚可 {left} 天)。"
    en = "A suspension needs a review date, and all of them together last at most {limit} days ({left} left)."


class NotSuspended(Conflict):
    zh = "工单 {number} 未挂起。"
    en = "Ticket {number} is not suspended."


class AlreadySuspended(Conflict):
    zh = "工单 {number} 已挂起。"
    en = "Ticket {number} is suspended already."


class RetierIsAlreadyLate(Conflict):
    zh = "改为“{tier}”后的期限({due})已过,不能改级。"
    en = "With the tier “{tier}” the deadline ({due}) would have passed already."


class SameTier(Conflict):
    zh = "工单已是“{tier}”。"
    en = "The ticket has the tier “{tier}” already."


class ReviewerIsReplier(Forbidden):
    zh = "反馈人不能审核自己的反馈,请由本单位负责人审核。"
    en = "Who wrote the reply cannot sign it; the union's leader does."


class ContactInFuture(Malformed):
    zh = "联系时间不能晚于现在。"
    en = "The time of contact cannot lie in the future."


class ReceivedOutOfRange(Malformed):
    zh = "来件时间须在 2000 年之后且不晚于现在。"
    en = "The time of receipt must be after the year 2000 and not in the future."


class CategoryUnknown(Malformed):
    zh = "没有代码为 {code} 的诉求类别。"
    en = "There is no category with the code {code}."


class PhoneUnreadable(Malformed):
    zh = "电话号码须为 5 至 15 位数字。"
    en = "A phone number has 5 to 15 digits."


class IdNumberUnreadable(Malformed):
    """Fifteen digits, or eighteen signs with their check digit (GB 11643)."""

    zh = "身份证号有误:须为 18 位(末位可为 X)且校验位正确,或 15 位旧号。"
    en = "This is no identity number: 18 signs with a right check digit (the last may be X), or 15 digits."


class CallerHasNoPhone(Malformed):
    """What a caller tells of themselves is kept with their number."""

    zh = "登记身份证号或住址须同时登记电话。"
    en = "An identity number or an address is kept with the caller's phone; give the phone too."


class IdempotencyKeyReused(Conflict):
    zh = "该 Idempotency-Key 已用于另一张内容不同的工单。"
    en = "This Idempotency-Key was used before for a ticket with other content."


class RequiredFieldsMissing(Malformed):
    """A matter of this category can't be handled without these; `fields` are their names in the form."""

    zh = "此类诉求还须填写:{names}。来电人说不清的,请勾选“说不清”(not_known)。"
    en = "A matter of this category also needs: {names}. If the caller does not know, say so in not_known."

    def __init__(self, fields: tuple[str, ...]) -> None:
        self.fields = fields
        names = [FIELD_NAMES[name] for name in fields]
        super().__init__(names=Bilingual("、".join(name.zh for name in names), ", ".join(name.en for name in names)))


class ReopeningWindowClosed(Conflict):
    zh = "工单办结已超过 {days} 天,不能重新办理,请新建工单并关联原单。"
    en = "The ticket was closed more than {days} days ago; open a new one that refers to it."


class RedoRoundsUsedUp(Conflict):
    zh = "工单已重办 {rounds} 次,须转督办或出具最终答复。"
    en = "The ticket was redone {rounds} times; it needs supervision or a final answer now."


class TierReasonMissing(Malformed):
    zh = "调整难易分级须说明理由。"
    en = "A change of tier needs a reason."
