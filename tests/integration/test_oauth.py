"""OAuth 2 tokens: how they are got, kept and renewed, and logins with them at real servers."""

import asyncio
import ssl
import stat
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import trustme

from moza_mail import oauth
from moza_mail.errors import MozaMailError
from moza_mail.model.oauth import Grant, OAuthClient, TokenRefused, TokenUnavailable
from moza_mail.project.atomic_write import write_atomically
from tests.support.dovecot import dovecot
from tests.support.project_folder import ISSUE, folder
from tests.support.smtp_servers import AiosmtpdRelay, aiosmtpd_relay, free_port
from tests.support.token_server import token_server

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
READERS = 8
CA = trustme.CA()


@pytest.fixture
def tokens():
    with token_server() as running:
        yield running


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def app_client(tokens, **changes) -> OAuthClient:
    settings = {"client_id": "moza", "client_secret": "geheim-123", "scope": "mail"}
    grant = Grant.CLIENT_CREDENTIALS
    return OAuthClient(**{"grant": grant, "token_url": f"{tokens.url}/token", **settings, **changes})


def source(client: OAuthClient, path, clock=lambda: NOW) -> oauth.TokenSource:
    file = path / "tokens.json"
    replace_file = partial(write_atomically, file, is_private=True)
    return oauth.TokenSource(client, oauth.TokenFile(path=file, replace=replace_file), clock)


def test_a_token_is_requested_once_and_stored_for_the_next_process(tokens, tmp_path):
    first = source(app_client(tokens), tmp_path).get_token()
    assert source(app_client(tokens), tmp_path).get_token() == first
    assert tokens.requests == [
        {
            "client_id": "moza",
            "client_secret": "geheim-123",
            "scope": "mail",
            "grant_type": "client_credentials",
        }
    ]
    kept = tmp_path / "tokens.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "geheim-123" not in kept.read_text()


def test_a_token_is_renewed_before_it_expires_and_after_a_refusal(tokens, tmp_path):
    clock = Clock()
    given = source(app_client(tokens), tmp_path, clock)
    first = given.get_token()
    clock.now += timedelta(minutes=54)
    assert given.get_token() == first
    clock.now += timedelta(minutes=2)
    second = given.get_token()
    assert second != first
    assert given.get_token(second) not in {first, second}


def test_the_token_of_another_account_is_not_used(tokens, tmp_path):
    first = source(app_client(tokens), tmp_path).get_token()
    assert source(app_client(tokens, client_id="other"), tmp_path).get_token() != first


def test_a_damaged_token_file_is_replaced(tokens, tmp_path):
    kept = tmp_path / "tokens.json"
    kept.write_bytes(b'{"client": [\xff')
    kept.chmod(0o644)
    assert source(app_client(tokens), tmp_path).get_token() in tokens.valid
    assert source(app_client(tokens), tmp_path).get_token() in tokens.valid
    assert len(tokens.requests) == 1
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("AADSTS7000222: The provided client secret keys are expired.", "has expired"),
        ("AADSTS7000215: Invalid client secret provided.", "secret is wrong"),
        ("AADSTS700016: Application with identifier 'moza' was not found", "has no app with this"),
        ("AADSTS90002: Tenant 'x' not found.", "no such tenant"),
        ("AADSTS65001: The user or administrator has not consented", "admin consent"),
        ("AADSTS50173: The provided grant has expired due to it being revoked", "oauth login"),
        ("AADSTS700082: The refresh token has expired due to inactivity.", "oauth login"),
        ("Token has been expired or revoked.", "oauth login"),
    ],
)
def test_a_refused_token_request_has_a_hint(tokens, tmp_path, words, remedy):
    tokens.refusal = {"error": "invalid_grant", "error_description": f"{words}\r\nTrace ID: 1\x1b[31m"}
    with pytest.raises(TokenRefused) as refused:
        source(app_client(tokens), tmp_path).get_token()
    assert remedy in str(refused.value.hint)
    assert words.split(":")[0] in str(refused.value)
    assert "\x1b" not in str(refused.value)
    assert "geheim-123" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>log in first</html>"),
        (200, b"[]"),
        (200, b'{"access_token": "a b\\r\\nRCPT TO:<x>"}'),
        (200, b'{"access_token": null}'),
        (200, b'{"access_token": "' + b"a" * 200_000 + b'"}'),
        (200, b"[" * 50_000),
        (302, b""),
        (503, b'{"error": "temporarily_unavailable"}'),
    ],
)
def test_an_answer_without_a_token_is_an_error_in_one_sentence(tokens, tmp_path, status, body):
    tokens.raw_answer = (status, body)
    with pytest.raises(TokenUnavailable):
        source(app_client(tokens), tmp_path).get_token()
    assert not (tmp_path / "tokens.json").exists()


@pytest.mark.parametrize("life", [None, "soon", -5, 10**30, {"a": 1}])
def test_an_odd_lifetime_of_a_token_is_no_error(tokens, tmp_path, life):
    tokens.expires_in = life
    assert source(app_client(tokens), tmp_path).get_token() in tokens.valid


def test_an_unreachable_token_server_is_a_temporary_error(tmp_path):
    client = OAuthClient(grant=Grant.CLIENT_CREDENTIALS, token_url=f"http://127.0.0.1:{free_port()}/token")
    with pytest.raises(TokenUnavailable, match="does not answer"):
        source(client, tmp_path).get_token()


def test_the_configured_command_supplies_the_token(tmp_path):
    command = (sys.executable, "-c", "print('from-a-command')")
    assert source(OAuthClient(grant=Grant.COMMAND, command=command), tmp_path).get_token() == "from-a-command"
    assert not (tmp_path / "tokens.json").exists()


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("import sys; sys.exit('no account\\x1b[0m')", "no account"),
        ("print('two words')", "it says nothing"),
        ("", "exit code 0"),
    ],
)
def test_a_command_that_prints_no_token_is_named(tmp_path, program, says):
    client = OAuthClient(grant=Grant.COMMAND, command=(sys.executable, "-c", program))
    with pytest.raises(TokenRefused) as refused:
        source(client, tmp_path).get_token()
    assert says in str(refused.value)
    assert "\x1b" not in str(refused.value)


def test_a_missing_token_command_is_named(tmp_path):
    client = OAuthClient(grant=Grant.COMMAND, command=("no-such-program",))
    with pytest.raises(TokenRefused, match="no-such-program cannot run"):
        source(client, tmp_path).get_token()


def test_the_device_login_shows_a_code_and_polls_at_the_servers_interval(tokens):
    tokens.device_answers = ["authorization_pending", "slow_down", "authorization_pending"]
    client = app_client(tokens, grant=Grant.REFRESH_TOKEN, device_url=f"{tokens.url}/device")
    prompts, waits = [], []
    found = oauth.log_in_by_device(client, prompts.append, waits.append)
    assert found.refresh == "again"
    assert [(prompt.url, prompt.code) for prompt in prompts] == [
        ("https://login.example.org/device", "ABCD-EFGH")
    ]
    assert waits[0] == 1
    # On a busy machine a request may fail, which makes all later waits longer too.
    before, *after = waits[-3:]
    assert after == [before + 5, before + 5]


@pytest.mark.parametrize("answer", ["access_denied", "expired_token"])
def test_without_consent_the_device_login_ends(tokens, answer):
    tokens.device_answers = [answer]
    client = app_client(tokens, grant=Grant.REFRESH_TOKEN, device_url=f"{tokens.url}/device")
    with pytest.raises(TokenRefused, match=answer):
        oauth.log_in_by_device(client, lambda _prompt: None, lambda _seconds: None)


@contextmanager
def relay_with_tokens(relay: AiosmtpdRelay):
    """Run a relay with TLS that accepts XOAUTH2 only, in a thread."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CA.issue_cert("localhost").configure_cert(context)
    loop, ready, end = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def main() -> None:
        async with aiosmtpd_relay(starttls=context, login=True, relay=relay):
            ready.set()
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield relay
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)
        loop.close()


@pytest.fixture
def project(tmp_path, tokens):
    """Create a project that sends by two connections of two messages each, with OAuth 2."""
    CA.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    project = folder(tmp_path)
    project.add_readers(READERS)
    project.set(connections=2, messages_per_connection=2, relay_ca_file="ca.pem")
    add_oauth(project, tokens.settings("client_credentials"))
    return project


def add_oauth(project, table: str) -> None:
    path = project.path / "moza-mail.toml"
    path.write_text(f"{path.read_text().partition('[oauth]')[0]}\n{table}")


def connect(project, relay: AiosmtpdRelay) -> None:
    project.set(relay=f"smtp+starttls://weekly%40example.org@localhost:{relay.port}")


def accepts(tokens):
    return lambda user, token: user == "weekly@example.org" and token in tokens.valid


def recipients(relay: AiosmtpdRelay) -> list[str]:
    return sorted(name for _, names, _ in relay.received for name in names)


def test_a_mailing_goes_through_a_relay_that_accepts_tokens_only(project, tokens):
    with relay_with_tokens(AiosmtpdRelay(accepts_token=accepts(tokens))) as relay:
        connect(project, relay)
        done = project.run("send", ISSUE, "--yes", MOZA_MAIL_OAUTH_CLIENT_SECRET="geheim-123")
        assert done.code == 0, done.err
    assert project.states() == {"accepted": READERS}
    assert len(set(recipients(relay))) == len(relay.received) == READERS
    assert len(tokens.requests) == 1
    assert tokens.requests[0]["client_secret"] == "geheim-123"


def test_a_token_that_expires_during_a_mailing_is_replaced_and_nobody_is_lost(project, tokens):
    relay = AiosmtpdRelay(accepts_token=accepts(tokens))
    relay.on_message = lambda count: tokens.end_tokens() if count == 3 else None
    with relay_with_tokens(relay):
        connect(project, relay)
        done = project.run("send", ISSUE, "--yes")
        assert done.code == 0, done.err
    assert project.states() == {"accepted": READERS}
    assert len(set(recipients(relay))) == len(relay.received) == READERS
    assert len(tokens.requests) > 1


def test_after_revoked_consent_the_remaining_recipients_are_mailed_by_the_next_run(project, tokens):
    def revoke(count: int) -> None:
        if count == 3:
            tokens.end_tokens()
            tokens.refusal = {"error": "invalid_grant", "error_description": "AADSTS50173: revoked"}

    relay = AiosmtpdRelay(accepts_token=accepts(tokens), on_message=revoke)
    with relay_with_tokens(relay):
        connect(project, relay)
        stopped = project.run("send", ISSUE, "--yes")
        assert stopped.code == 3, stopped.err
        assert "AADSTS50173" in stopped.err
        assert "moza-mail oauth login" in stopped.err
        states = project.states()
        assert set(states) == {"accepted", "pending"}
        assert states["accepted"] == len(relay.received)
        tokens.refusal = {}
        again = project.run("send", ISSUE, "--yes")
        assert again.code == 0, again.err
    assert project.states() == {"accepted": READERS}
    assert len(set(recipients(relay))) == len(relay.received) == READERS


@pytest.mark.parametrize(
    ("reply", "remedy"),
    [
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
            "Set-CASMailbox",
        ),
        ("535 5.7.3 Authentication unsuccessful [AM0PR06CA0126.example.com]", "app's rights to the mailbox"),
    ],
)
def test_a_refused_login_is_tried_with_one_new_token_and_doctor_says_why(project, tokens, reply, remedy):
    with relay_with_tokens(AiosmtpdRelay(accepts_token=lambda *_: False, token_refusal=reply)) as relay:
        connect(project, relay)
        done = project.run("send", ISSUE, "--yes")
        assert done.code == 3, done.err
        assert len(relay.tried_passwords) == len(set(relay.tried_passwords)) == 2
        assert project.states() == {"pending": READERS}
        assert remedy in done.err
        examined = project.run("doctor", "--offline")
        assert examined.code == 3
        assert "there is an access token" in examined.out
        assert remedy in examined.out
    assert "access-" not in done.err + examined.out


def test_a_missing_setting_is_named_before_anything_is_sent(project):
    add_oauth(project, '[oauth]\nprovider = "microsoft"\nclient_id = "moza"\n')
    project.set(relay="smtp+starttls://weekly%40example.org@localhost:1")
    done = project.run("send", ISSUE, "--yes")
    assert done.code == 2
    assert "`tenant` is missing" in done.err


def test_the_client_secret_does_not_belong_in_the_settings(project):
    add_oauth(project, '[oauth]\nclient_id = "moza"\nclient_secret = "geheim-123"\n')
    done = project.run("status")
    assert done.code == 2
    assert "MOZA_MAIL_OAUTH_CLIENT_SECRET" in done.err
    assert "geheim-123" not in done.err


def test_a_bounce_mailbox_is_read_with_a_token_and_a_revoked_one_is_replaced(project, tokens):
    with dovecot(token_server=tokens.url) as server:
        (project.path / "mailbox-ca.pem").write_bytes((server.folder / "ca.pem").read_bytes())
        project.set(bounce_mailbox=server.url(), bounce_ca_file="mailbox-ca.pem")
        server.deliver(b"From: a@example.org\r\nSubject: hoi\r\n\r\nhallo\r\n")
        first = project.run("bounces", "--json")
        assert first.json["read"] == 1, first.err
        tokens.end_tokens()
        server.deliver(b"From: b@example.org\r\nSubject: hoi\r\n\r\nhallo\r\n")
        second = project.run("bounces", "--json")
        assert second.json["read"] == 1, second.err
        tokens.end_tokens()
        tokens.refusal = {"error": "invalid_client"}
        third = project.run("bounces")
        assert third.code == 3, third.err
        assert "invalid_client" in third.err


def test_the_login_command_stores_the_consent(project, tokens):
    add_oauth(project, tokens.settings())
    before = project.run("doctor", "--offline")
    assert "moza-mail oauth login" in before.out
    done = project.run("oauth", "login")
    assert done.code == 0, done.err
    assert "ABCD-EFGH" in done.out + done.err
    kept = project.path / "subscribers" / "oauth-tokens.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "there is an access token" in project.run("doctor", "--offline").out


def test_token_errors_have_a_hint_for_a_person():
    assert issubclass(TokenRefused, MozaMailError)
    assert issubclass(TokenUnavailable, MozaMailError)
