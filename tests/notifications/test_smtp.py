"""What mail has beyond the contract of every way out: encryption, logins, and a name by which a repeat is known."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.bootstrap import mail_gateway
from service.core.settings import Settings, SettingsMissing
from service.notifications.gateways import ConsoleGateway, GatewayFailed, Letter
from service.notifications.smtp_mail import SmtpMail
from tests.notifications.outside import MailOutside, mail_outside

LETTER = Letter(to="li.ming@example.cn", template="notice", text="【12351】督办\n…", values={"subject": "督办\n请办理"})


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A certificate for localhost that this process trusts, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    unsealed = serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unsealed))
    monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
    return files


@pytest.fixture
def encrypted(certificate: tuple[Path, Path]) -> Iterator[MailOutside]:
    """A server that takes nothing before STARTTLS and a login."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    with mail_outside(tls_context=context, require_starttls=True, auth_required=True) as server:
        yield server


def adapter(server: MailOutside, **changes: object) -> SmtpMail:
    values = {"sender": "hotline@example.cn", "security": "none", "timeout": 5.0}
    return SmtpMail(str(changes.pop("host", "127.0.0.1")), server.port, **values | changes)  # type: ignore[arg-type]


def test_a_repeat_has_the_name_of_the_first_and_another_message_another() -> None:
    with mail_outside() as server:
        for key in ("one", "one", "two"):
            adapter(server).send(LETTER, key=key)
    first, again, another = (message["Message-ID"] for message in server.messages)
    assert first == again != another
    assert first.endswith("@example.cn>")
    assert server.messages[0]["Auto-Submitted"] == "auto-generated"


def test_it_goes_encrypted_with_a_login_to_a_server_whose_certificate_is_known(encrypted: MailOutside) -> None:
    signed_in = {"host": "localhost", "security": "starttls", "user": "hotline"}
    adapter(encrypted, **signed_in, password="right").send(LETTER, key="one")
    assert (len(encrypted.messages), encrypted.logins) == (1, ["hotline"])

    with pytest.raises(GatewayFailed):
        adapter(encrypted, **signed_in, password="wrong").send(LETTER, key="two")
    with pytest.raises(GatewayFailed):
        adapter(encrypted, **signed_in | {"host": "127.0.0.1"}, password="right").send(LETTER, key="three")
    with pytest.raises(GatewayFailed):
        adapter(encrypted).send(LETTER, key="four")
    assert len(encrypted.messages) == 1, "a wrong setting of ours buries nothing, and sends nothing in the open"


def test_a_server_that_is_not_there_fails_without_telling_its_address() -> None:
    with pytest.raises(GatewayFailed) as failure:
        SmtpMail("127.0.0.1", 9, sender="a@example.cn", timeout=1).send(LETTER, key="one")
    assert "127" not in str(failure.value)


def test_without_a_server_mail_goes_to_the_log_and_without_a_sender_nothing_starts() -> None:
    assert isinstance(mail_gateway(Settings()), ConsoleGateway)
    with pytest.raises(SettingsMissing, match="HOTLINE_SMTP_FROM"):
        mail_gateway(Settings(smtp_host="mail.example.cn"))
