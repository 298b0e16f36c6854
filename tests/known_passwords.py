"""Writes the list of passwords that are refused as known: `python -m tests.known_passwords`.

Out of the frequency lists of zxcvbn (MIT; breached passwords, English words, names), and what people of this country
type as well. Kept are the first bytes of each entry's SHA-256, sorted: the list tells nobody what is on it, and one
look-up reads a few places of it. An entry of fewer than four characters can't pass the rule of length with the digits
that are taken off before it is looked for, so it stays out.
"""

from pathlib import Path

from zxcvbn.frequency_lists import FREQUENCY_LISTS

import service.identity
from service.identity.passwords import KNOWN_PASSWORDS, SHORTEST_ENTRY, digest_of, normal

FILE = Path(service.identity.__file__).parent / KNOWN_PASSWORDS
# Ten thousand names of English-speaking places more would not be tried here.
LISTS = ("passwords", "english_wikipedia", "us_tv_and_film", "surnames", "male_names", "female_names")
# From lists of breaches of Chinese sites, as published: love by numbers, pinyin, and the usual beginnings.
OF_THIS_COUNTRY = (
    "woaini", "woaiwoaini", "woaini1314", "woaini520", "5201314", "1314520", "520520", "aini1314", "iloveyou1314",
    "wodemima", "mima", "mimamima", "woshishui", "woshiwo", "nihao", "nihaoma", "zhongguo", "zhonghua", "beijing",
    "shanghai", "woaizhongguo", "qwe123", "asd123", "zxc123", "abc123", "abcd1234", "a123456", "a12345678",
    "q123456", "w123456", "aa123456", "aaa123", "qq123456", "qwer1234", "wang", "zhang", "liuyang", "wangwei",
    "wangfang", "zhangwei", "xiaoming", "taobao", "weixin", "alipay", "admin", "root", "guest", "system", "test",
    "demo", "user", "passwd", "gongzuo", "danwei", "bangong", "bumen", "yonghu", "denglu", "kouling", "guanliyuan",
    "caonima", "woaijia", "laopo", "laogong", "mingtian", "xihuan", "jiayou", "fighting", "gongchandang", "我爱你",
    "我爱中国", "密码", "管理员", "你好", "中国", "一二三四", "测试",
)  # fmt: skip


def entries() -> set[str]:
    """What is on the list, folded as a password is before it is looked for."""
    listed = [entry for name in LISTS for entry in FREQUENCY_LISTS[name]]
    folded = {normal(entry).casefold() for entry in [*listed, *OF_THIS_COUNTRY]}
    return {entry for entry in folded if len(entry) >= SHORTEST_ENTRY}


def content() -> bytes:
    """The file as it should be."""
    return b"".join(sorted({digest_of(entry) for entry in entries()}))


if __name__ == "__main__":
    FILE.write_bytes(content())
