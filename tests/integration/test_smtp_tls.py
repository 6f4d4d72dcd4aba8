"""TLS and logins against aiosmtpd with our own certificates: only a trusted server gets the password and the mail."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from moza_mail.errors import AuthenticationRefused, ProjectError, TlsFailed
from moza_mail.model.server_url import ServerAccess
from moza_mail.transport.limits import Limits
from moza_mail.transport.relay_url import parse_relay
from moza_mail.transport.smtp import SmtpTransport
from tests.support.smtp_servers import aiosmtpd_relay, scripted_relay
from tests.support.submissions import make_submission, send

CA = trustme.CA()
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


def context(*names: str, authority: trustme.CA = CA, **dates: datetime) -> ssl.SSLContext:
    """Return the TLS context of a server with a certificate for these names."""
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names, **dates).configure_cert(found)
    return found


def exchange(url: str, folder, *, password: str = "goed", submissions: int = 3, **server):
    """Send messages to aiosmtpd; return the result and the server. `{port}` in the URL is replaced."""
    CA.cert_pem.write_to_path(str(folder / "ca.pem"))

    async def main():
        async with aiosmtpd_relay(**server) as relay:
            transport = SmtpTransport(
                parse_relay(url.format(port=relay.port)),
                access=ServerAccess(password=password, cafile=str(folder / "ca.pem")),
                limits=Limits(connections=3, backoff=(0,)),
            )
            ran = await send(transport, submissions)
            await transport.close()
            return ran, relay

    return asyncio.run(main())


STARTTLS, SMTPS = "smtp+starttls://weekly@localhost:{port}", "smtps://weekly@localhost:{port}"


@pytest.mark.parametrize(("url", "how"), [(STARTTLS, "starttls"), (SMTPS, "implicit")])
def test_mail_and_password_go_over_tls(tmp_path, url, how):
    ran, relay = exchange(url, tmp_path, login=True, submissions=20, **{how: context("localhost")})

    assert ran.error is None
    assert ran.states == ["accepted"] * 20
    assert set(relay.tried_passwords) == {b"goed"}
    assert sorted(content for _, _, content in relay.received) == sorted(
        make_submission(key).message.content for key in range(20)
    )
    assert how == "implicit" or all(relay.secure)


def test_no_user_name_means_no_login(tmp_path):
    ran, relay = exchange("smtp+starttls://localhost:{port}", tmp_path, starttls=context("localhost"))

    assert ran.states == ["accepted"] * 3
    assert relay.tried_passwords == []


@pytest.mark.parametrize(("url", "how"), [(STARTTLS, "starttls"), (SMTPS, "implicit")])
@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (lambda: context("other.test"), "Hostname mismatch"),
        (
            lambda: context("localhost", not_after=YESTERDAY, not_before=YESTERDAY - timedelta(days=9)),
            "expired",
        ),
        (lambda: context("localhost", authority=trustme.CA()), "unable to get local issuer"),
    ],
    ids=["wrong name", "expired", "unknown authority"],
)
@pytest.mark.filterwarnings("ignore:Unhandled exception in STARTTLS")
def test_with_an_invalid_certificate_no_password_is_sent(tmp_path, url, how, certificate, reason):
    ran, relay = exchange(url, tmp_path, login=True, **{how: certificate()})

    assert isinstance(ran.error, TlsFailed)
    assert reason in ran.error.message
    assert ran.taken == []
    assert relay.tried_passwords == []


def test_a_relay_without_starttls_gets_no_password_and_no_mail(tmp_path):
    ran, relay = exchange(STARTTLS, tmp_path)

    assert isinstance(ran.error, TlsFailed)
    assert "does not offer STARTTLS" in ran.error.message
    assert (ran.taken, relay.tried_passwords, relay.received) == ([], [], [])


def test_a_relay_that_refuses_the_starttls_it_offered_gets_no_mail():
    async def main():
        answers = {"EHLO": [b"250-x\r\n250 STARTTLS\r\n"], "STAR": [b"454 4.7.0 TLS not available\r\n"]}
        async with scripted_relay(answers) as relay:
            transport = SmtpTransport(
                parse_relay(f"smtp+starttls://weekly@127.0.0.1:{relay.port}"),
                access=ServerAccess(password="goed"),
            )
            return await send(transport, 2), relay.commands

    ran, commands = asyncio.run(main())

    assert isinstance(ran.error, TlsFailed)
    assert "454 4.7.0" in ran.error.message
    assert [command[:4] for command in commands] == ["EHLO", "STAR"]


def test_smtps_to_a_port_that_speaks_plain_smtp_is_refused(tmp_path):
    ran, relay = exchange(SMTPS, tmp_path)

    assert isinstance(ran.error, TlsFailed)
    assert (ran.taken, relay.tried_passwords) == ([], [])


def test_a_name_that_resolves_to_a_public_address_gets_nothing_unencrypted(monkeypatch):
    # Loopback is all a test may reach, so for once it does not count as our own.
    monkeypatch.setattr("moza_mail.model.network.OWN_NETWORKS", ())

    async def main(*, allowed: bool):
        async with scripted_relay() as relay:
            url = f"smtp://localhost:{relay.port}"
            transport = SmtpTransport(
                parse_relay(url, allow_plaintext=allowed), access=ServerAccess(allow_plaintext=allowed)
            )
            ran = await send(transport, 1)
            await transport.close()
            return ran, relay.commands

    refused, commands = asyncio.run(main(allowed=False))
    allowed, _ = asyncio.run(main(allowed=True))

    assert isinstance(refused.error, TlsFailed)
    assert "allow_plaintext" in refused.error.hint
    assert commands == []
    assert allowed.states == ["accepted"]


def test_a_wrong_password_is_tried_only_once_by_all_connections_and_never_shown(tmp_path):
    ran, relay = exchange(SMTPS, tmp_path, password="geheim", login=True, implicit=context("localhost"))

    assert isinstance(ran.error, AuthenticationRefused)
    assert relay.tried_passwords == [b"geheim"]
    assert ran.taken == []
    assert "535" in ran.error.message
    assert "geheim" not in ran.error.message + ran.error.hint
    assert "MOZA_MAIL_SMTP_PASSWORD" in ran.error.hint


def test_a_password_repeated_by_the_relay_is_not_shown(tmp_path):
    CA.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    answers = {
        "EHLO": [b"250-x\r\n250 AUTH CRAM-MD5 LOGIN PLAIN\r\n"],
        "AUTH": [b"535 5.7.8 not geheim nor Z2VoZWlt nor AHdlZWtseQBnZWhlaW0=\r\n"],
    }

    async def main():
        async with scripted_relay(answers, tls=context("localhost")) as relay:
            url = f"smtps://weekly@localhost:{relay.port}"
            transport = SmtpTransport(
                parse_relay(url), access=ServerAccess(password="geheim", cafile=str(tmp_path / "ca.pem"))
            )
            return await send(transport, 2), relay.commands

    ran, commands = asyncio.run(main())

    assert ran.error.message.endswith("it says 535 5.7.8 not *** nor *** nor ***")
    assert sum(command.startswith("AUTH") for command in commands) == 1


def test_a_login_mechanism_that_the_relay_rejects_is_skipped(tmp_path):
    CA.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    answers = {
        "EHLO": [b"250-x\r\n250 AUTH PLAIN LOGIN\r\n"],
        "AUTH": [b"504 5.5.4 No PLAIN here\r\n", b"334 UGFzc3dvcmQ6\r\n"],
        "Z29L": [b"235 2.7.0 Welcome\r\n"],
    }

    async def main():
        async with scripted_relay(answers, tls=context("localhost")) as relay:
            url = f"smtps://weekly@localhost:{relay.port}"
            transport = SmtpTransport(
                parse_relay(url),
                access=ServerAccess(password="goed", cafile=str(tmp_path / "ca.pem")),
                limits=Limits(connections=1),
            )
            ran = await send(transport, 2)
            await transport.close()
            return ran

    ran = asyncio.run(main())

    assert ran.states == ["accepted"] * 2


def test_a_login_without_a_password_is_not_tried(tmp_path):
    ran, relay = exchange(SMTPS, tmp_path, password="", login=True, implicit=context("localhost"))

    assert isinstance(ran.error, AuthenticationRefused)
    assert relay.tried_passwords == []


def test_an_unreadable_ca_file_is_named(tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing here")
    for path in (tmp_path / "missing.pem", empty):
        with pytest.raises(
            ProjectError, match=r"`relay_ca_file`: .*pem has no certificates that can be read"
        ):
            SmtpTransport(parse_relay("smtps://localhost"), access=ServerAccess(cafile=str(path)))
