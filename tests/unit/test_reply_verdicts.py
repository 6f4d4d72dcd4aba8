"""Verdicts of replies. Nothing that a reply says about us, our domain or our quota is held against a reader."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moza_mail.model.address import Address
from moza_mail.model.classify_reply import RULES, ReplyContext, classify_reply
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.message import Envelope
from moza_mail.model.outcome import to_outcome
from moza_mail.model.reply import Phase, Reply
from moza_mail.model.verdict import HARD_VERDICTS, SENDER_VERDICTS, Verdict

READER, SENDER = "jan@reader.example.net", "weekly@sender.example.org"
CONTEXT = ReplyContext(recipients=(READER,), senders=(SENDER,))
ENVELOPE = Envelope(sender=Address.parse(SENDER), recipient=Address.parse(READER))

REPLIES = [
    # About us: the address, the domain, the rights and the signature of the sender.
    (f"550 5.1.0 <{SENDER}>: Sender address rejected: User unknown in local recipient table", "sender_fault"),
    (f"550 5.1.8 <{SENDER}>: Sender address rejected: Domain not found", "sender_fault"),
    (f"450 4.1.8 <{SENDER}>: Sender address rejected: Domain not found", "sender_fault"),
    (f"550 5.1.7 <{SENDER}>: Sender address rejected: undeliverable address: unknown user", "sender_fault"),
    (f"550-Verification failed for <{SENDER}> 550-Unrouteable address 550 Sender verify failed", "sender_fault"),
    (f"550 5.1.1 <{SENDER}>: user unknown", "sender_fault"),
    ("550 5.1.2 the domain sender.example.org does not exist", "sender_fault"),
    ("550 5.1.8 Access denied, bad outbound sender. AS(42001)", "sender_fault"),
    (f"553 5.7.1 <{SENDER}>: Sender address rejected: not owned by user other@sender.example.org", "sender_fault"),
    ("554 5.2.252 SendAsDenied; not allowed to send as; STOREDRV.Submission.Exception", "sender_fault"),
    ("550 5.7.60 SMTP; Client does not have permissions to send as this sender", "sender_fault"),
    ("550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP", "sender_fault"),
    ("550 5.7.26 This mail has been blocked because the sender is unauthenticated.", "sender_fault"),
    ("550 5.7.515 Access denied, sending domain does not meet the required authentication level", "sender_fault"),
    ("550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", "sender_fault"),
    (f"554 5.7.1 <{READER}>: Relay access denied", "sender_fault"),
    ("530 5.7.57 Client not authenticated to send mail.", "sender_fault"),
    ("550 authentication required", "sender_fault"),
    ("550 5.7.25 The IP address sending this message does not have a PTR record", "sender_fault"),
    # Our quota.
    ("550 5.1.90 Your message can't be sent because you've reached your daily limit for recipients", "quota"),
    ("550 5.7.232 your trial tenant has exceeded its daily limit for external recipients", "quota"),
    ("454 Throttling failure: Daily message quota exceeded.", "quota"),
    ("550 5.4.5 Daily user sending limit exceeded.", "quota"),
    ("452 4.5.3 SubmissionQuotaExceeded", "quota"),
    (f"552 5.2.2 <{SENDER}> quota exceeded", "sender_fault"),
    # About the pace.
    ("432 4.3.2 Concurrent connections limit exceeded.", "throttled"),
    ("421 4.7.0 Too many connections from your host", "throttled"),
    ("550 5.1.1 <jan@reader.example.net> - 203.0.113.7 has sent to too many recipients this hour. IB607", "throttled"),
    # Temporary.
    ("451 4.7.1 Greylisting in action, please come back later", "temporary"),
    ("451 4.7.1 Try again later - greylisted to block spam", "temporary"),
    ("421 4.7.0 Temporary System Problem. Try again later", "temporary"),
    ("450 4.1.1 <jan@reader.example.net>: Recipient address rejected: unverified address", "temporary"),
    ("Connected to 10.5.1.1 but connection died. (#4.4.2)", "temporary"),
    ("451 lost connection with mx[10.5.1.1] while receiving the greeting", "temporary"),
    # The address.
    ("550 5.1.1 The email account that you tried to reach does not exist.", "address_unknown"),
    ("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", "address_unknown"),
    ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", "address_unknown"),
    ("554 delivery error: dd This user doesn't have a provider.example account", "address_unknown"),
    ("552 1 Requested mail action aborted, mailbox not found", "address_unknown"),
    ("550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", "address_unknown"),
    ("550 User jan@reader.example.net does not exist", "address_unknown"),
    ("550 5.7.1 No such user! 1770727568-8kRk", "address_unknown"),
    ("550 Empfänger unbekannt", "address_unknown"),
    ("550 gebruiker onbekend", "address_unknown"),
    ("550 5.2.1 The email account that you tried to reach is disabled.", "disabled"),
    ("554 30 Sorry, your message cannot be delivered. This mailbox is disabled (554.30).", "disabled"),
    ("Host or domain name not found. Name service error for name=gmal.example type=A: Host not found", "domain_unknown"),
    ("556 5.1.10 recipient domain has a null MX", "domain_unknown"),
    # The mailbox and the message.
    ("550 <jan@reader.example.net>: Mailbox is full", "mailbox_full"),
    ("452 4.2.2 The recipient's inbox is out of storage space", "mailbox_full"),
    ("552 5.2.2 Boite du destinataire pleine", "mailbox_full"),
    ("550 5.1.1 RCPT TO:<jan@reader.example.net> max message size exceeded", "too_large"),
    ("554 5.6.0 STOREDRV; content conversion error", "content"),
    ("554 5.7.1 This message looks like spam", "content"),
    # Block lists and rules.
    ("554 5.7.1 Service unavailable; client host [192.0.2.7] blocked using zen.spamhaus.org", "policy"),
    ("550 5.7.1 [192.0.2.7] is on our block list (S3150)", "policy"),
    ("550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup", "policy"),
    # More than one meaning.
    ("550 5.1.0 Address rejected.", "unclear"),
    ("550 no", "unclear"),
    ("550-5.2.1 The user you are trying to contact is receiving mail at a rate that prevents more", "temporary"),
]  # fmt: skip


@pytest.mark.parametrize(("reply", "verdict"), REPLIES)
def test_a_reply_has_the_verdict_of_its_meaning(reply, verdict):
    assert classify_reply(reply, CONTEXT) is Verdict(verdict)


@pytest.mark.parametrize(
    ("phase", "reply", "verdict"),
    [
        ("mail", "550 5.1.1 user unknown", "address_unknown"),
        ("mail", "554 no", "sender_fault"),
        ("connect", "554 no SMTP service here", "policy"),
        ("helo", "550 go and learn your name", "sender_fault"),
    ],
)
def test_a_refusal_before_the_recipient_is_named_refuses_no_reader(phase, reply, verdict):
    envelope_phase = Phase.MAIL if phase == "mail" else Phase.CONNECT
    outcome = to_outcome(Reply.parse(int(reply[:3]), reply[4:]), envelope_phase, ENVELOPE)
    assert outcome.state is not DeliveryState.REFUSED or phase in {"connect", "helo"}
    if verdict not in HARD_VERDICTS:
        assert classify_reply(reply, ReplyContext(phase=phase)) is Verdict(verdict)


def test_a_diagnostic_of_another_server_that_denies_relaying_is_unclear():
    report = ReplyContext(recipients=(READER,), is_report=True)
    assert classify_reply("554 5.7.1 Relay access denied", report) is Verdict.UNCLEAR


def test_a_hard_reply_about_another_address_is_unclear():
    assert classify_reply("550 5.1.1 <other@elsewhere.example>: user unknown", CONTEXT) is Verdict.UNCLEAR


@pytest.mark.parametrize(
    "text",
    [
        "550 mail from mx.example.net[10.5.1.1] was not taken",
        "550 rejected by filter 4.16.55.1",
        "550 Sendmail 8.13.1 says no",
    ],
)
def test_a_number_in_an_ip_address_or_a_version_is_no_status(text):
    assert classify_reply(text, CONTEXT) not in HARD_VERDICTS


FRAMES = st.sampled_from(
    [
        "550 5.1.1 {}: user unknown",
        "550 5.1.1 <{}>: Recipient address rejected: User unknown in local recipient table",
        "550 {} does not exist",
        "554 5.7.1 {}: mailbox unavailable",
        "550 5.2.1 {} is disabled",
        "550 5.1.2 {}: host or domain name not found",
        "550 5.4.4 unroutable {}",
        "552 5.2.2 {} mailbox full",
        "552 5.3.4 {} message too large",
        "550 {}",
        "501 5.1.3 bad address syntax {}",
        "451 4.1.1 {} unknown user",
        "550-5.1.1 {}\r\n550 5.1.1 no such user here",
        f"550 5.1.1 <{READER}>: {{}} user unknown",
    ]
)
NAMES = st.sampled_from(
    [SENDER, SENDER.upper(), f"<{SENDER}>", "sender.example.org", "bounce+tok@sender.example.org"]
)
QUOTAS = st.sampled_from(
    [
        "you have exceeded your daily sending quota",
        "you've reached your daily limit for message recipients",
        "sender quota exceeded",
        "sending limit exceeded",
        "your account has exceeded its hourly sending limit",
        "SubmissionQuotaExceeded",
        "quota exceeded for sender",
        "the sender has exceeded the daily quota",
        "daily message quota exceeded",
        "message quota of the sender is used up",
        "sender over quota",
        "maximum number of messages per day reached for this account",
        "sending rate limit exceeded for user weekly",
    ]
)  # fmt: skip


@given(FRAMES, NAMES, st.sampled_from(list(Phase)))
def test_no_reply_that_names_the_sender_refuses_or_suppresses_a_reader(frame, name, phase):
    assert_reader_is_kept(frame.format(name), phase)


@given(FRAMES, QUOTAS, st.sampled_from(list(Phase)))
def test_no_reply_about_the_senders_quota_refuses_or_suppresses_a_reader(frame, quota, phase):
    assert_reader_is_kept(re.sub(r"(?i)mailbox full|message too large", "", frame).format(quota), phase)


@given(
    st.sampled_from(["550 5.1.1 {}", "550 {}", "554 5.7.0 {}", "452 4.2.2 {}", "552 5.2.2 {}", "450 {}"]),
    QUOTAS,
)
def test_the_senders_quota_is_never_taken_for_a_full_mailbox(frame, quota):
    assert classify_reply(frame.format(quota), CONTEXT) in SENDER_VERDICTS | {Verdict.THROTTLED}


def assert_reader_is_kept(text, phase):
    outcome = to_outcome(Reply.parse(int(text[:3]), text[4:]), phase, ENVELOPE)
    assert outcome.verdict not in HARD_VERDICTS | {Verdict.MAILBOX_FULL, Verdict.TOO_LARGE, Verdict.UNCLEAR}
    assert outcome.state is not DeliveryState.REFUSED


def test_every_rule_says_where_it_was_found_and_when():
    assert len({rule.name for rule in RULES}) == len(RULES) > 60
    assert all(rule.source and re.match(r"\d{4}", rule.seen) for rule in RULES[:-1])
    assert all(re.compile(pattern) for rule in RULES for pattern in (rule.words, rule.status, rule.code))
