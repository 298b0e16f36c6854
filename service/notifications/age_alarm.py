"""The alarm while messages lie undelivered: into the log and straight into the administrators' inboxes."""

from datetime import timedelta

from service.core.clock import local
from service.core.logging import log
from service.core.unit import Unit
from service.notifications.audience import administrators
from service.notifications.telling import put_into_inbox
from service.outbox.relay import oldest_pending


def warn_of_old_messages(unit: Unit, *, limit: timedelta) -> timedelta | None:
    """Tell every active administrator, once a local day while it lasts, that a message is due for longer than `limit`.
    Answers for how long; None, and silence, while there is none. What waits for the end of quiet hours is not due.

    Not through the outbox: that is what stands still.
    """
    oldest = oldest_pending(unit.session, unit.now)
    if oldest is None or unit.now - oldest <= limit:
        return None
    age = unit.now - oldest
    minutes = int(age.total_seconds()) // 60
    targets = administrators(unit)
    log.error("outbox_is_old", seconds=int(age.total_seconds()), administrators=len(targets))
    for target in targets:
        put_into_inbox(
            unit,
            {
                "person_id": target.person_id,
                "key": f"outbox:{local(unit.now):%Y-%m-%d}",
                "ticket_number": "",
                "text_zh": f"有消息已逾 {minutes} 分钟未送达。请运行 hotline outbox list 查看,"
                "并检查 worker、scheduler 和 Redis。",
                "text_en": f"A message has been due for {minutes} minutes. Run hotline outbox list, and look after the "
                "workers, the schedulers and Redis.",
                "urgent": True,
            },
        )
    return age
