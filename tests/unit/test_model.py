"""The model: addresses, subscriptions, the meaning of replies, and retry times."""

from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES, validate_email
from email_validator.rfc_constants import CASE_INSENSITIVE_MAILBOX_NAMES
from hypothesis import given
from hypothesis import strategies as st

from moza_mail.errors import AddressError, InvalidTransition
from moza_mail.model import issue as issues
from moza_mail.model.address import RESERVED_DOMAINS, ROLE_NAMES, Address, _split_simple
from moza_mail.model.bounce import AddressReply, BounceThresholds, suppresses
from moza_mail.model.circuit_breaker import CircuitBreaker
from moza_mail.model.classify_reply import classify_reply
from moza_mail.model.mailing import DeliveryState
from moza_mail.model.message import Attachment, Rendered
from moza_mail.model.message_size import refuses_size
from moza_mail.model.outcome import to_outcome
from moza_mail.model.reply import Phase, Reply
from moza_mail.model.retry import RETRY_DELAYS, compute_next_attempt
from moza_mail.model.subscriber import Subscription, SubscriptionState, SuppressionReason
from tests.support.examples import examples

NOW = datetime(2026, 1, 14, 8, tzinfo=UTC)


def test_an_address_is_parsed_with_its_domain_in_ascii():
    address = Address.parse(" Jan.de-Vries+x@BÜCHER.example.org ")
    assert str(address) == "Jan.de-Vries+x@xn--bcher-kva.example.org"
    assert address.key == "jan.de-vries+x@xn--bcher-kva.example.org"
    assert address.mask() == "J***@xn--bcher-kva.example.org"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jan",
        "jan@",
        "@example.org",
        "jan@example",
        "a@example.org, b@example.org",
        "a@example.org b@example.org",
        "Jan <jan@example.org>",
        '"jan"@example.org',
        "jan@example.org\r\nBcc: x@example.org",
        "jan\x00@example.org",
        "jan@example.org\n",
        "jan@exam\u2028ple.org",
        "jàn@example.org",
        "jan..x@example.org",
        "jan@-example.org",
        "jan@[127.0.0.1]",
        "a" * 65 + "@example.org",
        "jan@" + "a" * 64 + ".example.org",
    ],
)
def test_a_text_that_is_not_one_plain_address_is_refused(text):
    with pytest.raises(AddressError) as caught:
        Address.parse(text)
    assert caught.value.reason
    assert "\r" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_a_non_ascii_address_is_accepted_only_if_allowed():
    with pytest.raises(AddressError, match=r"^the address is empty$"):
        Address.parse(" ")
    with pytest.raises(AddressError, match="only ASCII"):
        Address.parse("jörg@bücher.example")

    found = Address.parse("JO\u0308rg@bücher.example", international=True)

    assert str(found) == "JÖrg@xn--bcher-kva.example"
    assert found.key == "jörg@xn--bcher-kva.example"


@given(st.text(max_size=40))
def test_any_parsed_address_is_valid_in_an_envelope(text):
    try:
        address = Address.parse(text)
    except AddressError:
        return
    assert str(address).isascii()
    assert str(address).isprintable()
    assert str(address).count("@") == 1
    assert not set(str(address)) & set(' <>,;"')


LOCAL = st.text(alphabet="abZ09.+-_=!'/", min_size=1, max_size=66)
HOST = st.text(alphabet="aZx09-n.", min_size=1, max_size=12)
TOP = st.sampled_from(
    [
        "org",
        "ORG",
        "nl",
        "example",
        "test",
        "local",
        "Arpa",
        "onion",
        "invalid",
        "localhost",
        "c",
        "x1",
        "a-b",
    ]
)
TYPED = st.builds("{}@{}.{}".format, LOCAL | st.sampled_from(["Info", "WWW", "postmaster"]), HOST, TOP)
LONG = st.builds(
    "{}@{}.org".format, st.text("a", min_size=60, max_size=66), st.text("ab.", min_size=55, max_size=254)
)


@examples(1000)
@given(TYPED | LONG | st.emails())
@pytest.mark.slow
def test_simple_addresses_are_parsed_as_by_email_validator(text):
    if quick := _split_simple(text):
        found = validate_email(
            text, check_deliverability=False, test_environment=True, strict=True, allow_smtputf8=True
        )
        assert quick == (found.local_part, found.ascii_domain)


def test_all_special_names_of_email_validator_are_known():
    assert set(SPECIAL_USE_DOMAIN_NAMES) - {"test"} <= RESERVED_DOMAINS
    assert set(CASE_INSENSITIVE_MAILBOX_NAMES) <= ROLE_NAMES
    assert str(Address.parse("Info@example.org")) == "info@example.org"


def subscription(state: SubscriptionState) -> Subscription:
    return Subscription(subscriber_id=1, list_slug="weekly", state=state, created_at=NOW)


def test_a_subscription_is_confirmed_once_and_unsubscribed_once():
    confirmed = subscription(SubscriptionState.UNCONFIRMED).confirm(at=NOW, consent="ja")
    assert (confirmed.state, confirmed.confirmed_at, confirmed.consent) == (
        SubscriptionState.CONFIRMED,
        NOW,
        "ja",
    )
    assert confirmed.confirm(at=NOW + timedelta(days=1), consent="later") is confirmed
    gone = confirmed.unsubscribe(at=NOW)
    assert gone.unsubscribe(at=NOW + timedelta(days=1)).unsubscribed_at == NOW


def test_an_unsubscribed_person_is_not_confirmed_by_an_old_link():
    with pytest.raises(InvalidTransition):
        subscription(SubscriptionState.UNSUBSCRIBED).confirm(at=NOW, consent="ja")


@pytest.mark.parametrize(
    "moment", [datetime.fromisoformat("2026-01-14"), datetime.fromisoformat("2026-01-14T08:00:00+01:00")]
)
def test_a_time_that_is_not_utc_is_refused(moment):
    with pytest.raises(ValueError, match="UTC"):
        Subscription(subscriber_id=1, list_slug="w", state=SubscriptionState.CONFIRMED, created_at=moment)


@pytest.mark.parametrize(
    ("code", "text", "phase", "state"),
    [
        (250, "2.0.0 Ok: queued as 1", Phase.BODY, DeliveryState.ACCEPTED),
        (450, "4.2.0 greylisted", Phase.RCPT, DeliveryState.DEFERRED),
        (421, "4.3.2 closing", Phase.BODY, DeliveryState.DEFERRED),
        (550, "5.1.1 no such user", Phase.RCPT, DeliveryState.REFUSED),
        (554, "5.7.1 spam", Phase.BODY, DeliveryState.PENDING),
        (503, "5.5.1 nested MAIL", Phase.MAIL, DeliveryState.PENDING),
        (501, "5.1.3 bad address", Phase.RCPT, DeliveryState.REFUSED),
        (550, "5.5.0 mailbox unavailable", Phase.RCPT, DeliveryState.REFUSED),
        (500, "5.3.0 command failed", Phase.RCPT, DeliveryState.REFUSED),
        (501, "5.5.4 syntax", Phase.RCPT, DeliveryState.PENDING),
        (550, "5.7.1 sender unknown", Phase.MAIL, DeliveryState.PENDING),
        (503, "5.5.1 no recipients", Phase.BODY, DeliveryState.PENDING),
        (299, "fine", Phase.BODY, DeliveryState.ACCEPTED),
        (354, "what?", Phase.BODY, DeliveryState.UNCERTAIN),
        (299, "what?", Phase.RCPT, DeliveryState.PENDING),
    ],
)
def test_the_outcome_follows_from_the_code_text_and_phase_of_a_reply(code, text, phase, state):
    assert to_outcome(Reply.parse(code, text), phase).state is state


@pytest.mark.parametrize(
    ("text", "queue_id"),
    [
        ("2.0.0 Ok: queued as 4XyZ12", "4XyZ12"),
        ("OK id=1rAbCd-000001-AB", "1rAbCd-000001-AB"),
        ("2.0.0 Message accepted for delivery", ""),
        ("2.6.0 <x@example.org> Queued mail for delivery", ""),
        ("Ok", ""),
    ],
)
def test_the_queue_id_in_a_reply_is_stored(text, queue_id):
    assert Reply.parse(250, text).queue_id == queue_id


def test_a_reply_is_parsed_cleaned_and_shortened():
    reply = Reply.parse(550, "5.1.1 <x@example.org>:\r\n\x1b[31m user unknown" + "x" * 900)
    assert reply.enhanced == "5.1.1"
    assert reply.text.isprintable()
    assert len(reply.text) <= 500


def test_a_deferred_delivery_is_retried_at_growing_intervals_and_given_up_after_two_days():
    at = [compute_next_attempt(attempts=count, first_attempt_at=NOW, now=NOW) for count in range(1, 10)]
    assert [moment - NOW for moment in at[:7]] == list(RETRY_DELAYS)
    assert at[7] == at[6]
    assert compute_next_attempt(attempts=9, first_attempt_at=NOW, now=NOW + timedelta(hours=41)) is None


def rendered(**fields) -> Rendered:
    return Rendered(**{"subject": "s", "preheader": "p", "html": "h", "text": "t", "lang": "nl", **fields})


def test_the_digest_depends_on_every_part_of_the_mail():
    others = [
        rendered(subject="x"),
        rendered(preheader="x"),
        rendered(html="x"),
        rendered(text="x"),
        rendered(lang="en"),
        rendered(html="ht", text=""),
        rendered(attachments=(Attachment(filename="a", content_type="b", content=b"c"),)),
        rendered(attachments=(Attachment(filename="a", content_type="b", content=b"d"),)),
    ]
    assert len({each.compute_digest() for each in [rendered(), *others]}) == 9
    assert rendered().compute_digest() == rendered().compute_digest()


def make_reply(code, text):
    return Reply.parse(code, text)


def address_reply(day, code, text):
    verdict = classify_reply(f"{code} {text}") if code >= 400 else None
    return AddressReply(at=NOW + timedelta(days=day), reply=make_reply(code, text), verdict=verdict)


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([(0, 550, "5.1.1 unknown")], SuppressionReason.HARD_BOUNCE),
        ([(0, 550, "5.1.2 no such domain")], None),
        ([(0, 550, "5.1.2 no such domain"), (7, 550, "5.1.2 no such domain")], SuppressionReason.HARD_BOUNCE),
        ([(0, 550, "5.2.1 disabled"), (7, 550, "5.2.1 disabled")], SuppressionReason.HARD_BOUNCE),
        ([(0, 550, "5.2.1 disabled"), (30, 550, "5.2.1 disabled")], None),
        ([(0, 550, "5.7.1 blocked"), (7, 550, "5.7.1 blocked"), (14, 550, "5.7.1 blocked")], None),
        ([(0, 552, "5.2.2 full"), (7, 552, "5.2.2 full")], None),
        ([(7 * week, 552, "5.2.2 full") for week in range(5)], None),
        ([(8 * week, 552, "5.2.2 full") for week in range(5)], SuppressionReason.SOFT_BOUNCES),
        ([(30 * week, 552, "5.2.2 full") for week in range(4)], None),
        (
            [
                *[(8 * week, 552, "5.2.2 full") for week in range(4)],
                (30, 250, "ok"),
                (40, 552, "5.2.2 full"),
            ],
            None,
        ),
        ([(0, 550, "5.1.1 unknown"), (7, 250, "ok")], None),
        ([(8 * week, 451, "4.4.1 no answer") for week in range(5)], SuppressionReason.SOFT_BOUNCES),
        (
            [(8 * week, 451, f"4.{4 if week % 2 else 2}.2 full") for week in range(5)],
            SuppressionReason.SOFT_BOUNCES,
        ),
        ([(8 * week, 451, "4.3.2 not now") for week in range(9)], None),
        ([(8 * week, 421, "4.7.0 too fast") for week in range(9)], None),
        ([(8 * week, 550, "5.7.1 blocked") for week in range(9)], None),
        ([], None),
    ],
)
def test_only_replies_about_the_address_suppress_it(replies, expected):
    assert suppresses([address_reply(*each) for each in replies]) is expected


FULL = [(7 * week, 552, "5.2.2 full") for week in range(3)]


@pytest.mark.parametrize(
    ("replies", "thresholds", "expected"),
    [
        (FULL, BounceThresholds(soft_times=3, soft_days=14), SuppressionReason.SOFT_BOUNCES),
        (FULL, BounceThresholds(soft_times=4, soft_days=0), None),
        (FULL, BounceThresholds(soft_times=3, soft_days=15), None),
        ([(8 * week, 552, "5.2.2 full") for week in range(9)], BounceThresholds(soft_times=0), None),
        (
            [(0, 550, "5.1.2 no domain")],
            BounceThresholds(unknown_domain_times=1),
            SuppressionReason.HARD_BOUNCE,
        ),
        (
            [(0, 550, "5.2.1 disabled"), (20, 550, "5.2.1 disabled")],
            BounceThresholds(disabled_days=20),
            SuppressionReason.HARD_BOUNCE,
        ),
        ([(0, 550, "5.2.1 disabled"), (7, 550, "5.2.1 disabled")], BounceThresholds(disabled_times=3), None),
    ],
)
def test_the_thresholds_for_suppression_can_be_set(replies, thresholds, expected):
    assert suppresses([address_reply(*each) for each in replies], thresholds) is expected


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        (552, "5.3.4 Message too big", True),
        (552, "message size exceeds fixed limit", True),
        (552, "5.2.2 mailbox full", False),
        (552, "quota exceeded", False),
        (552, "5.2.3 too large for this mailbox", False),
        (550, "5.1.1 unknown", False),
    ],
)
def test_a_refusal_for_size_differs_from_one_for_a_full_mailbox(code, text, expected):
    assert refuses_size(make_reply(code, text)) is expected


@given(code=st.integers(200, 599), text=st.text())
def test_a_stored_reply_reads_back_unchanged(code, text):
    came = make_reply(code, text)
    assert str(Reply.from_text(str(came))) == str(came)
    assert Reply.from_text(str(came)).enhanced == came.enhanced


def test_a_stored_text_that_is_not_a_reply_reads_as_none():
    assert Reply.from_text("") is None
    assert Reply.from_text("the line broke") is None


def watch(*texts, domains=("a.example.org", "b.example.org")):
    breaker = CircuitBreaker()
    for number, (code, text) in enumerate(texts):
        phase = Phase.BODY if code == 250 else Phase.RCPT
        outcome = to_outcome(make_reply(code, text), phase)
        breaker = breaker.record(outcome, domains[number % len(domains)])
    return breaker


@pytest.mark.slow
def test_refusals_of_us_trip_the_circuit_breaker_and_refusals_of_recipients_do_not():
    policy, unknown, ok = (550, "5.7.1 blocked"), (550, "5.1.1 unknown"), (250, "ok")
    sender, quota = (550, "5.1.8 Sender address rejected"), (550, "5.4.5 Daily sending limit exceeded")
    assert not watch(*[policy] * 200).is_tripped
    assert watch(*[policy] * 3, domains=("a.test", "b.test", "c.test")).is_tripped
    assert not watch(*[unknown] * 200).is_tripped
    assert not watch(sender, sender).is_tripped
    assert watch(sender, sender, sender).is_tripped
    assert not watch(sender, sender, ok, sender, ok).is_tripped
    assert watch(ok, quota).is_tripped
    assert not watch(*[(451, "4.7.1 Greylisted")] * 99).is_tripped
    assert watch(*[(503, "5.5.1 nested MAIL")] * 2, ok).protocol_errors == 2


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("5.4.5 Daily user sending limit exceeded", 16),
        ("5.1.90 you've reached your daily limit", 16),
        ("4.7.0 sending limit exceeded, try again in 2 hours", 2),
        ("4.7.0 quota exceeded for sender, wait 30 minutes", 0.5),
        ("4.7.0 sending quota exceeded", 1),
    ],
)
def test_an_exhausted_quota_pauses_until_it_is_renewed(text, hours):
    assert watch((550, text)).pause_until(NOW) == NOW + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("code", "text", "state"),
    [
        (432, "4.3.2 Concurrent connections limit exceeded", DeliveryState.PENDING),
        (550, "5.1.1 x has sent to too many recipients this hour. IB607", DeliveryState.DEFERRED),
        (550, "5.2.1 receiving mail at a rate that prevents additional messages", DeliveryState.DEFERRED),
        (450, "4.1.8 Sender address rejected: Domain not found", DeliveryState.PENDING),
        (550, "5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup", DeliveryState.REFUSED),
        (552, "5.2.2 mailbox full", DeliveryState.REFUSED),
        (550, "5.7.1 blocked using zen.spamhaus.org", DeliveryState.PENDING),
    ],
)
def test_a_refusal_that_is_not_about_the_recipient_leaves_the_delivery_pending_or_deferred(code, text, state):
    assert to_outcome(make_reply(code, text), Phase.RCPT).state is state


def test_deliveries_deferred_together_are_retried_at_different_times():
    moments = {
        compute_next_attempt(attempts=1, first_attempt_at=NOW, now=NOW, delivery_id=number)
        for number in range(1, 200)
    }
    assert len(moments) == 199
    assert all(timedelta(minutes=4) <= moment - NOW <= timedelta(minutes=6) for moment in moments)


@given(
    st.lists(
        st.sampled_from(["250 2.0.0 Ok", "550 5.7.1 blocked", "550 5.1.1 no such user", "503 5.5.1 what"]),
        max_size=30,
    )
)
def test_recording_outcomes_together_equals_recording_them_one_by_one(said):
    outcomes = [to_outcome(Reply.parse(int(reply[:3]), reply[4:]), Phase.BODY) for reply in said]
    one_by_one = CircuitBreaker()
    for outcome in outcomes:
        one_by_one = one_by_one.record(outcome)
    assert CircuitBreaker().record_all((outcome, "") for outcome in outcomes) == one_by_one


def test_container_types_has_every_type_that_contains_other_parts():
    kinds = [
        kind for kind in vars(issues).values() if is_dataclass(kind) and kind.__module__ == issues.__name__
    ]
    holding_none = {str, int, bool, date, issues.LocalDateTime | None}
    others = {
        kind for kind in kinds if any(field.type not in holding_none for field in fields(kind))
    } - issues.CONTAINER_TYPES

    assert len(kinds) > 20
    assert not others, "model.issue.PARTS names the kinds that may hold an image or a field"
