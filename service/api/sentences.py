"""What the frame around the domain says to people: statuses, broken requests, fields filled in wrongly."""

from collections.abc import Mapping
from typing import Any

from service.core.errors import Bilingual as Sentence

__all__ = ["FAMILIES", "FRAMEWORK", "Sentence", "of_validation"]

FAMILIES: dict[int, Sentence] = {
    400: Sentence("请求无法解析", "The request cannot be read"),
    401: Sentence("未登录", "Not logged in"),
    403: Sentence("无权操作", "Not allowed"),
    404: Sentence("未找到", "Not found"),
    405: Sentence("不支持该方法", "Method not allowed"),
    408: Sentence("请求超时", "The request took too long to arrive"),
    409: Sentence("与当前情况冲突", "In conflict with how things stand"),
    421: Sentence("不是本服务的地址", "Not an address of this service"),
    410: Sentence("已失效", "No longer valid"),
    413: Sentence("请求内容过大", "The request is too large"),
    415: Sentence("不支持的内容类型", "Unsupported media type"),
    422: Sentence("填写有误", "The input is not valid"),
    429: Sentence("请求过于频繁", "Too many requests"),
    500: Sentence("系统内部错误", "Internal error"),
    503: Sentence("服务暂不可用", "Temporarily unavailable"),
}

FRAMEWORK: dict[str, tuple[int, Sentence]] = {
    "json_invalid": (400, Sentence("请求内容不是有效的 JSON。", "The body is not valid JSON.")),
    "body_unreadable": (400, Sentence("请求内容无法解析。", "The body cannot be read.")),
    "other_host": (
        421,
        Sentence(
            "请求的主机名不是本服务的地址。请使用公布的网址;管理员可设置 HOTLINE_PUBLIC_URL 或 HOTLINE_HOSTS。",
            "The request names a host that is not ours. Use the published address; an administrator sets"
            " HOTLINE_PUBLIC_URL or HOTLINE_HOSTS.",
        ),
    ),
    "other_site": (
        403,
        Sentence(
            "这一请求来自其他网站的页面,未处理。请在本系统的页面上操作。",
            "This was sent by a page of another site and nothing was done. Use a page of this service.",
        ),
    ),
    "no_such_address": (404, Sentence("没有这个地址。", "There is nothing at this address.")),
    "method_not_allowed": (405, Sentence("该地址不支持此方法。", "This address does not support that method.")),
    "body_too_slow": (408, Sentence("请求内容接收超时。", "The body did not arrive in time.")),
    "changed_meanwhile": (
        409,
        Sentence(
            "内容已被他人同时更新,请刷新后再操作。", "Somebody changed it at the same time; read it again and repeat."
        ),
    ),
    "body_too_large": (413, Sentence("请求内容超过大小上限。", "The body is larger than allowed.")),
    "file_too_large": (
        413,
        Sentence(
            "文件太大,没有收下。请压缩后再传,或分成几个文件。",
            "The file is too large and was not taken. Make it smaller, or send it in parts.",
        ),
    ),
    "not_json": (
        415,
        Sentence(
            "请以 Content-Type: application/json 提交。",
            "Send the body with the header Content-Type: application/json.",
        ),
    ),
    "input_invalid": (
        422,
        Sentence("填写有误,请按 errors 逐项更正。", "The input is not valid; see errors for each field."),
    ),
    "value_not_storable": (
        422,
        Sentence("内容含有无法保存的字符或数值。", "The input holds a character or number that cannot be stored."),
    ),
    "internal_error": (
        500,
        Sentence(
            "系统内部错误,操作未生效。请将编号 correlation_id 告知管理员。",
            "Internal error; nothing was changed. Tell the administrator the correlation_id.",
        ),
    ),
    "busy": (503, Sentence("系统繁忙,请稍候重试。", "The system is busy; please try again shortly.")),
    "too_slow": (
        503,
        Sentence(
            "处理超时,操作未生效,请稍后重试。", "It took too long and was given up; nothing was changed. Try again."
        ),
    ),
    "database_unavailable": (
        503,
        Sentence("数据库暂不可用,请稍后重试。", "The database is not available at the moment; please try again."),
    ),
}

# By the type of pydantic's error. Placeholders are the error's own context; none holds what was sent.
_FIELD: dict[str, Sentence] = {
    "missing": Sentence("必填。", "Required."),
    "extra_forbidden": Sentence("没有这个字段。", "There is no such field."),
    "string_type": Sentence("须为文字。", "Must be text."),
    "string_unicode": Sentence("含有无效的字符编码(如不成对的代理项)。", "Holds an invalid character (half a pair)."),
    "string_too_short": Sentence("至少 {min_length} 个字符。", "At least {min_length} characters."),
    "string_too_long": Sentence("最多 {max_length} 个字符。", "At most {max_length} characters."),
    "string_pattern_mismatch": Sentence("格式不正确。", "Does not have the required form ({pattern})."),
    "text_blank": Sentence("不能为空白。", "Must not be blank."),
    "text_control_character": Sentence(
        "含有控制字符,请删除(制表符和换行除外)。", "Holds a control character; only tabs and line breaks are allowed."
    ),
    "instant_text": Sentence(
        "须为带时区的时间,例如 2026-11-20T09:00:00+08:00。",
        "Must be a time with its offset, such as 2026-11-20T09:00:00+08:00.",
    ),
    "instant_out_of_range": Sentence("年份须在 1900 至 9998 之间。", "The year must be between 1900 and 9998."),
    "literal_error": Sentence("须为以下之一:{expected}。", "Must be one of: {expected}."),
    "enum": Sentence("须为以下之一:{expected}。", "Must be one of: {expected}."),
    "int_type": Sentence("须为整数。", "Must be a whole number."),
    "int_parsing": Sentence("须为整数。", "Must be a whole number."),
    "int_parsing_size": Sentence("数值过大。", "The number is too large."),
    "int_from_float": Sentence("须为整数。", "Must be a whole number."),
    "bool_type": Sentence("须为 true 或 false。", "Must be true or false."),
    "bool_parsing": Sentence("须为 true 或 false。", "Must be true or false."),
    "decimal_type": Sentence("须为数值。", "Must be a number."),
    "decimal_parsing": Sentence("须为数值。", "Must be a number."),
    "decimal_max_digits": Sentence("数值过大。", "The number is too large."),
    "decimal_max_places": Sentence("最多 {decimal_places} 位小数。", "At most {decimal_places} decimal places."),
    "decimal_whole_digits": Sentence("数值过大。", "The number is too large."),
    "finite_number": Sentence("须为有限的数值。", "Must be a finite number."),
    "greater_than_equal": Sentence("不能小于 {ge}。", "Must be at least {ge}."),
    "less_than_equal": Sentence("不能大于 {le}。", "Must be at most {le}."),
    "greater_than": Sentence("须大于 {gt}。", "Must be greater than {gt}."),
    "less_than": Sentence("须小于 {lt}。", "Must be less than {lt}."),
    "date_type": Sentence("须为日期,例如 2026-11-20。", "Must be a date such as 2026-11-20."),
    "date_parsing": Sentence("须为日期,例如 2026-11-20。", "Must be a date such as 2026-11-20."),
    "date_from_datetime_parsing": Sentence("须为日期,例如 2026-11-20。", "Must be a date such as 2026-11-20."),
    "date_from_datetime_inexact": Sentence("须为日期,例如 2026-11-20。", "Must be a date such as 2026-11-20."),
    "list_type": Sentence("须为数组。", "Must be an array."),
    "tuple_type": Sentence("须为数组。", "Must be an array."),
    "too_long": Sentence("最多 {max_length} 项。", "At most {max_length} items."),
    "model_type": Sentence("须为对象。", "Must be an object."),
    "model_attributes_type": Sentence("须为对象。", "Must be an object."),
    "dict_type": Sentence("须为对象。", "Must be an object."),
}
for _similar in (
    "datetime_type",
    "datetime_parsing",
    "datetime_from_date_parsing",
    "timezone_aware",
    "datetime_object_invalid",
):
    _FIELD[_similar] = _FIELD["instant_text"]

_ANYTHING_ELSE = Sentence("填写有误。", "Not valid.")


def of_validation(entry: Mapping[str, Any]) -> Sentence:
    """What is wrong with a field, in both languages."""
    sentence = _FIELD.get(entry["type"], _ANYTHING_ELSE)
    facts = entry.get("ctx") or {}
    try:
        return Sentence(sentence.zh.format(**facts), sentence.en.format(**facts))
    except (KeyError, IndexError):
        return _ANYTHING_ELSE
