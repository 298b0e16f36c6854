"""Addresses that the service calls are an operator's to set. What people type leads to nowhere inside."""

import ast
from pathlib import Path

import pytest

from service.notifications.robots import robot_address

ROOT = Path(__file__).resolve().parents[2]
# Who may call out, and where the address comes from.
CALLS_OUT = {
    "service/audit/sinks.py": "HOTLINE_AUDIT_ANCHOR_URL and HOTLINE_AUDIT_ANCHOR_SYSLOG",
    "service/commands/up.py": "the API it has started itself, on loopback",
    "service/core/s3_files.py": "HOTLINE_S3_ENDPOINT",
    "service/core/scanning.py": "HOTLINE_SCANNER",
    "service/embedded/starting.py": "whether a port is free, on loopback",
    "service/identity/oidc.py": "HOTLINE_OIDC_ISSUER, and what stands at that address; https",
    "service/notifications/http_sms.py": "HOTLINE_SMS_URL",
    "service/notifications/robots.py": "one of three vendors; of what was typed only the token is taken",
    "service/notifications/smtp_mail.py": "HOTLINE_SMTP_HOST",
    "service/notifications/standin_sms.py": "the command line of a stand-in",
    "service/supervisor.py": "whether a port is free, on loopback",
}
NETWORK = {
    "aiohttp",
    "apprise",
    "ftplib",
    "http",
    "httpx",
    "minio",
    "requests",
    "smtplib",
    "socket",
    "urllib",
    "urllib3",
}
# Of these packages, what only reads addresses and names statuses.
HARMLESS = {"http", "urllib.parse"}


def test_only_these_modules_call_out() -> None:
    found = set()
    for folder in ("service", "workers", "sla_rules"):
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module:
                    names = [node.module]
                if any(name.split(".")[0] in NETWORK and name not in HARMLESS for name in names):
                    found.add(str(path.relative_to(ROOT)))
    # What only answers.
    answers = {name for name in found if name.endswith("/standin.py")}

    assert found - answers == set(CALLS_OUT), "say where its address comes from, or guard it"


@pytest.mark.parametrize(
    "typed",
    [
        "http://127.0.0.1:6379/",
        "http://169.254.169.254/latest/meta-data/",
        "https://qyapi.weixin.qq.com.evil.example/cgi-bin/webhook/send?key=0a1b2c3d-example",
        "https://qyapi.weixin.qq.com@evil.example/cgi-bin/webhook/send?key=0a1b2c3d-example",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0a1b2c3d-example&key=../../x",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0a1b2c3d-example#@evil.example",
        "https://qyapi.weixin.qq.com:8080/cgi-bin/webhook/send?key=0a1b2c3d-example",
        "http://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0a1b2c3d-example",
        "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=0a1b2c3d-example\r\nHost: evil.example",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
    ],
)
def test_a_robots_address_leads_to_its_vendor_or_nowhere(typed: str) -> None:
    assert [robot_address(vendor, typed) for vendor in ("wecom", "dingtalk", "feishu")] == [None] * 3


def test_no_call_follows_where_an_answer_points() -> None:
    """A redirect is an address that somebody outside has chosen."""
    robots = (ROOT / "service/notifications/robots.py").read_text(encoding="utf-8")
    sms = (ROOT / "service/notifications/http_sms.py").read_text(encoding="utf-8")
    provider = (ROOT / "service/identity/oidc.py").read_text(encoding="utf-8")

    assert '"allow_redirects": False' in robots
    assert "retries=False" in sms
    assert "redirect=False" in provider
