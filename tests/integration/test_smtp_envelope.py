"""Parameters of MAIL and RCPT: only those that the relay offers are sent, and recipients that need others are refused."""

import asyncio
from dataclasses import replace

import pytest

from moza_mail.errors import MailingError
from moza_mail.model.address import Address
from moza_mail.model.reply import Phase
from moza_mail.transport.limits import Limits, Timeouts
from moza_mail.transport.relay_url import parse_relay
from moza_mail.transport.smtp import SmtpTransport
from tests.support.smtp_servers import scripted_relay
from tests.support.submissions import make_submission, send

QUICK = Limits(
    connections=1,
    backoff=(0, 0, 0),
    timeouts=Timeouts(connect=5, greeting=5, command=2, data=2, write=2, final_dot=2, quit=0.2),
)
OFFERS = "250-x\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-DSN\r\n250-SIZE {}\r\n250 SMTPUTF8\r\n"


def send_to_relay(offered: str, submissions, **limits):
    """Send messages to a relay with these extensions; return the result and the relay."""

    async def main():
        async with scripted_relay({"EHLO": [offered.encode()]}) as relay:
            transport = SmtpTransport(parse_relay(relay.relay), limits=replace(QUICK, **limits))
            ran = await send(transport, submissions)
            await transport.close()
            return ran, relay

    return asyncio.run(main())


def make_submission_to(key: int, address: str):
    """Return a message to an address that is not ASCII."""
    return replace(
        make_submission(key),
        envelope=replace(make_submission(key).envelope, recipient=Address.parse(address, international=True)),
    )


def test_only_a_non_ascii_address_uses_smtputf8_if_the_relay_offers_it():
    ran, relay = send_to_relay(
        OFFERS.format(0),
        [make_submission(0), make_submission_to(1, "jörg+a=b@bücher.example"), make_submission(2)],
        notify="FAILURE",
    )

    assert ran.states == ["accepted"] * 3
    mails = [line for line in relay.commands if line.startswith("MAIL")]
    assert [" SMTPUTF8" in line for line in mails] == [False, True, False]
    assert (
        "RCPT TO:<jörg+a=b@xn--bcher-kva.example> NOTIFY=FAILURE ORCPT=utf-8;j\\x{F6}rg\\x{2B}a\\x{3D}b@xn--bcher-kva.example"
        in relay.commands
    )


def test_without_smtputf8_only_the_non_ascii_recipient_is_refused_before_any_command():
    plain = "250-x\r\n250 PIPELINING\r\n"
    ran, relay = send_to_relay(
        plain, [make_submission(0), make_submission_to(1, "jörg@example.org"), make_submission(2)]
    )

    assert ran.states == ["accepted", "refused", "accepted"]
    assert (ran.outcomes[1].phase, ran.outcomes[1].reply) == (Phase.MAIL, None)
    assert "SMTPUTF8" in ran.outcomes[1].detail
    assert len([line for line in relay.commands if line.startswith("MAIL")]) == 2


def test_a_non_ascii_domain_is_sent_as_a_labels_to_any_relay():
    ran, relay = send_to_relay("250 x\r\n", [make_submission_to(0, "jan@bücher.example")])

    assert ran.states == ["accepted"]
    assert "RCPT TO:<jan@xn--bcher-kva.example>" in relay.commands


def test_a_message_above_the_relays_size_limit_stops_the_run_before_any_command():
    large = make_submission(1, content=b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n")
    ran, relay = send_to_relay(OFFERS.format(80), [make_submission(0), large, make_submission(2)])

    assert ran.states == ["accepted", "pending", "pending"]
    assert isinstance(ran.error, MailingError)
    assert "86 bytes, and its limit is 80" in ran.error.message
    assert len([line for line in relay.commands if line.startswith("MAIL")]) == 1


@pytest.mark.parametrize("size", ["", "0", "10000000"])
def test_a_relay_without_a_limit_or_with_a_higher_one_gets_the_size(size):
    ran, relay = send_to_relay(OFFERS.format(size), 1)

    assert ran.states == ["accepted"]
    length = len(make_submission(0).message.content)
    assert f"MAIL FROM:<weekly@example.org> SIZE={length}" in relay.commands
