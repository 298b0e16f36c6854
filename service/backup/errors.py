"""What stands in the way of a backup or of bringing one back."""

from service.core.errors import Conflict, Malformed, Unavailable


class NoBackup(Malformed):
    zh = "{folder} 不是一份完整的备份(缺少或无法读取 manifest.json)。"
    en = "{folder} is no finished backup (manifest.json is missing or can't be read)."


class BackupDamaged(Conflict):
    zh = "备份已损坏,什么都没有恢复:{file}。请使用另一份备份。"
    en = "The backup is damaged and nothing was restored: {file}. Use another one."


class AnotherKey(Conflict):
    zh = "这份备份是用另一个主密钥加密的,用现在的密钥恢复后将读不出姓名和电话。请设置当时的 HOTLINE_MASTER_KEY_FILE。"
    en = (
        "This backup was sealed with another master key: with the present one no name and no number could be read. "
        "Set HOTLINE_MASTER_KEY_FILE to the key of that time."
    )


class DatabaseNotEmpty(Conflict):
    zh = "目标数据库里已有 {tables} 张表,不会覆盖。请新建一个空数据库,并让 HOTLINE_DATABASE_URL 指向它。"
    en = (
        "The database has {tables} tables already and is not overwritten. Make an empty one and point "
        "HOTLINE_DATABASE_URL to it."
    )


class BackupRunning(Conflict):
    zh = "另一个进程正在向 {folder} 备份,本进程已停止。"
    en = "Another process is making a backup in {folder} and this one has stopped."


class RestoredDiffers(Conflict):
    zh = "恢复后的数据与备份清单不符:{tables}。请勿投入使用。"
    en = "What was restored differs from the backup's list: {tables}. Don't put it to use."


class ProgramMissing(Unavailable):
    zh = "找不到能用于 PostgreSQL {major} 的 {program},请安装 PostgreSQL {major} 的客户端程序。"
    en = "There is no {program} here that works with PostgreSQL {major}; install the client programs of that version."


class ProgramFailed(Unavailable):
    zh = "{program} 未能完成:{said}"
    en = "{program} did not finish: {said}"
