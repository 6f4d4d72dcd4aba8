"""Run all checks of a sender's domain."""

import asyncio
from dataclasses import dataclass, replace

from moza_mail.dns_check import mx
from moza_mail.dns_check.answer import LookUp
from moza_mail.dns_check.dkim import ExpectedKey, check_dkim_key, check_has_any_key
from moza_mail.dns_check.dmarc import AuthenticatedDomains, check_dmarc
from moza_mail.dns_check.spf import check_spf
from moza_mail.model.health import Diagnosis, doubtful

MAX_LENGTH = 600
"""Characters of a diagnosis or a hint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderDomain:
    """The domains and keys of a sender.

    domain: the domain in From.
    return_path: the domain in MAIL FROM, empty if it is `domain`.
    signing_domain: the domain of the keys, empty if it is `domain`.
    """

    domain: str
    return_path: str = ""
    signing_domain: str = ""
    keys: tuple[ExpectedKey, ...] = ()


async def check_domain(look_up: LookUp, sender: SenderDomain) -> list[Diagnosis]:
    """Check all DNS records of a sender and return the findings."""
    path = sender.return_path or sender.domain
    signer = sender.signing_domain or sender.domain
    (mx_findings, hosts), *rest = await asyncio.gather(
        mx.check_mx(look_up, sender.domain, "mx", "replies and bounces"),
        check_spf(look_up, path, "spf"),
        _check_keys(look_up, sender, signer),
        check_dmarc(
            look_up,
            sender.domain,
            AuthenticatedDomains(signers=(signer,) if sender.keys else (), return_path=path),
            "dmarc",
        ),
    )
    found = [*rest[0], *rest[1], *rest[2], *mx_findings]
    if path != sender.domain:
        bounces, _ = await mx.check_mx(look_up, path, "mx", "bounces")
        found += [*bounces, *await check_spf(look_up, sender.domain, "spf")]
    found.append(await mx.check_dnssec(look_up, sender.domain))
    found += await mx.check_ipv6(look_up, sender.domain, hosts)
    found += await mx.check_dane(look_up, sender.domain, hosts)
    return [
        replace(one, domain=sender.domain, message=_shorten(one.message), hint=_shorten(one.hint))
        for one in found
    ]


def _shorten(text: str) -> str:
    """Return the text, cut off after MAX_LENGTH characters. It may quote a very long record."""
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 1]}…"


async def _check_keys(look_up: LookUp, sender: SenderDomain, signer: str) -> list[Diagnosis]:
    found = [await check_dkim_key(look_up, key, "dkim") for key in sender.keys]
    if not found:
        found.append(
            doubtful(
                "dkim",
                "messages are not signed here, so the relay must sign them with a key of your own domain",
                "Check with a test copy (send --test) that DKIM passes for your domain, or sign here: moza-mail dkim new",
            )
        )
    return [*found, await check_has_any_key(look_up, signer, "dkim")]
