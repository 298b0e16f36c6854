"""The unified social credit code (统一社会信用代码) of an employer: 18 characters of which the last checks the others.

Source: GB 32100-2015《法人和其他组织统一社会信用代码编码规则》. One character for the registering authority, one for
the kind, six digits for its region, nine characters for the body itself, one check character; I, O, S, V and Z are not
used. Check character: C18 = 31 - MOD(sum of Ci x Wi, 31) with Wi = MOD(3^(i-1), 31); 31 counts as 0. Pure.
"""

import re
import unicodedata

from service.core.errors import Malformed

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_FORM = re.compile(rf"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}")
_WEIGHTS = tuple(pow(3, position, 31) for position in range(17))


class CreditCodeUnreadable(Malformed):
    """Not the form of a code."""

    zh = "统一社会信用代码为 18 位数字或大写字母(不含 I、O、S、V、Z),第 3 至 8 位为数字。"
    en = (
        "A unified social credit code has 18 digits or capital letters (never I, O, S, V or Z); "
        "the third to the eighth are digits."
    )


class CreditCodeMistyped(Malformed):
    """The check character does not fit: a slip in typing."""

    zh = "统一社会信用代码的校验位不符,请核对:至少有一位输错。"
    en = "The code's check character does not fit the others; at least one character is mistyped."


def credit_code(typed: str) -> str:
    """The code as it is stored, from any width, case and spacing. Raises CreditCodeUnreadable, CreditCodeMistyped."""
    code = "".join(unicodedata.normalize("NFKC", typed[:64]).upper().replace("-", " ").split())
    if not _FORM.fullmatch(code):
        raise CreditCodeUnreadable
    if check_character(code[:17]) != code[17]:
        raise CreditCodeMistyped
    return code


def check_character(first: str) -> str:
    """The eighteenth character for the first seventeen."""
    total = sum(ALPHABET.index(char) * weight for char, weight in zip(first, _WEIGHTS, strict=True))
    return ALPHABET[-total % 31]
