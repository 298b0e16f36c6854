"""Keys of peer systems."""

PAIRS: dict[str, tuple[str, str]] = {
    "nav.peers": ("对接密钥", "Peer systems"),
    "peers.title": ("对接系统的密钥", "Keys of peer systems"),
    "peers.note": (
        "全总、12345、呼叫中心等系统以密钥签名调用接口,只能做勾选的事,只能从登记的网段来,每次使用都记入审计。"
        "签名方法见 docs/peers.md。",
        "Systems such as the national federation, 12345 and the call centre sign their requests with a key. It does "
        "what is ticked, from the networks named, and each use is in the audit. How to sign is told in docs/peers.md.",
    ),
    "peers.name": ("名称与所属工会", "Name and union"),
    "peers.may": ("权限", "It may"),
    "peers.and": ("、", ", "),
    "peers.from": ("来源网段", "From"),
    "peers.ends": ("有效期至", "Until"),
    "peers.used": ("最近使用", "Last used"),
    "peers.never": ("尚未使用", "not used yet"),
    "peers.revoked": ("已撤销", "revoked"),
    "peers.ended": ("已过期", "expired"),
    "peers.old_until": ("旧密钥可用至 {until}", "the old secret until {until}"),
    "peers.rotate": ("更换密钥", "New secret"),
    "peers.revoke": ("撤销", "Revoke"),
    "peers.sure": (
        "确定撤销 {name} 吗?立即失效,不可恢复。",
        "Revoke {name}? It ends at once and for good.",
    ),
    "peers.keep": ("不撤销", "Keep it"),
    "peers.none": ("目前没有对接密钥。", "There are no keys."),
    "peers.new": ("新建密钥", "Add a key"),
    "peers.add": ("新建", "Add"),
    "peers.made": (
        "{name} 的新密钥如下,只显示这一次,请交对方妥善保存:",
        "The new secret of {name} is shown this once. Hand it over safely:",
    ),
    "field.peer_name": ("名称", "Name"),
    "field.peer_org": ("所属工会(决定可见范围)", "Union (it sees that subtree)"),
    "field.peer_scopes": ("权限", "It may"),
    "field.peer_networks": ("来源网段", "Networks it comes from"),
    "field.peer_expires": ("有效期至", "Until"),
    "field.peer_pace": ("每分钟最多请求次数", "Requests a minute"),
    "hint.peer_name": ("小写字母、数字或 . _ -,如 xining-12345。", "Lower-case letters, digits or . _ -"),
    "hint.peer_networks": (
        "每行一个,如 10.8.0.0/24;单个地址写作 192.0.2.7/32。",
        "One a line, as 10.8.0.0/24; a single address is 192.0.2.7/32.",
    ),
    "hint.peer_expires": ("最长一年。", "Within a year."),
}
