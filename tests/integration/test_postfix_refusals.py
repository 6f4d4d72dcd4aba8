"""A real Postfix that refuses our sender: nobody is refused or suppressed, and the same command continues after the fix."""

import pytest

from moza_mail.model.address import Address
from moza_mail.model.verdict import Verdict
from moza_mail.transport import open_transport
from tests.integration.test_sending import bench
from tests.support.postfix import postfix

READERS = ", ".join(f"lezer{number}@example.org=x" for number in range(12))


@pytest.mark.parametrize(
    "settings",
    [
        # The list's own domain is local to the relay, which does not know the return address.
        (
            "virtual_mailbox_domains = example.org",
            f"virtual_mailbox_maps = inline:{{ {READERS} }}",
            "smtpd_reject_unlisted_sender = yes",
        ),
        ("smtpd_sender_restrictions = reject_unknown_sender_domain", "smtp_dns_support_level = enabled"),
        ("mynetworks = 192.0.2.0/24",),
    ],
    ids=["unlisted sender", "unknown sender domain", "relay denied"],
)
def test_no_recipient_is_refused_if_the_relay_refuses_our_sender(tmp_path, settings):
    with postfix(*settings) as server:

        async def work(bench):
            await bench.readers(12)
            transport = open_transport(server.relay, base=tmp_path)
            assert await bench.deliver(transport) == {"pending": 12}
            verdicts = await bench.store.ledger.count_verdicts(1)
            assert {one.verdict for one in verdicts} == {"sender_fault"}
            assert server.log.count("NOQUEUE: reject") <= 12
            await transport.close()
            server.configure()
            transport = open_transport(server.relay, base=tmp_path)
            assert await bench.deliver(transport) == {"accepted": 12}
            await transport.close()
            for number in range(12):
                address = Address.parse(f"lezer{number}@example.org")
                assert await bench.store.suppressions.find(address) is None

        bench(tmp_path, work)


def test_recipients_refused_by_a_misconfigured_relay_are_held_and_mailed_after_the_fix(tmp_path):
    # A classic mistake: the readers' domain is in mydestination, so the relay looks for accounts of its own.
    with postfix(
        "mydestination = relay.test, example.org", "local_recipient_maps = inline:{ root=x }"
    ) as server:

        async def work(bench):
            await bench.readers(60)
            transport = open_transport(server.relay, base=tmp_path)
            assert await bench.deliver(transport) == {"refused": 60}
            await transport.close()
            assert await bench.store.suppressions.count_held(1) == {
                ("example.org", Verdict.ADDRESS_UNKNOWN): 60
            }
            assert await bench.store.suppressions.count_from_mailing(1) == 0
            server.configure()
            transport = open_transport(server.relay, base=tmp_path)
            assert await bench.deliver(transport, retry_refused=True) == {"accepted": 60}
            await transport.close()
            assert (await bench.store.subscribers.count_audience("weekly")).confirmed == 60

        bench(tmp_path, work)
