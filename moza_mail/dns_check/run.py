"""One sender's domain as a whole: each question of the DNS, and what its answer means for our mail."""

import asyncio
from dataclasses import dataclass, replace

from moza_mail.dns_check import mx
from moza_mail.dns_check.answer import LookUp
from moza_mail.dns_check.dkim import ExpectedKey, check_dkim_key, check_has_any_key
from moza_mail.dns_check.dmarc import AuthenticatedDomains, check_dmarc
from moza_mail.dns_check.spf import check_spf
from moza_mail.model.health import Diagnosis, doubtful


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderDomain:
    """Whose mail it is: the domain in From, the one in MAIL FROM (empty: the same), and the keys that sign.

    `signer` is the domain of the keys.
    """

    domain: str
    return_path: str = ""
    signing_domain: str = ""
    keys: tuple[ExpectedKey, ...] = ()


async def check_domain(look_up: LookUp, sender: SenderDomain) -> list[Diagnosis]:
    """Judge all that the DNS says of a sender."""
    path = sender.return_path or sender.domain
    signer = sender.signing_domain or sender.domain
    (where, hosts), *rest = await asyncio.gather(
        mx.check_mx(look_up, sender.domain, "mx", "answers and bounces"),
        check_spf(look_up, path, "spf"),
        _check_keys(look_up, sender, signer),
        check_dmarc(
            look_up,
            sender.domain,
            AuthenticatedDomains(signers=(signer,) if sender.keys else (), return_path=path),
            "dmarc",
        ),
    )
    found = [*rest[0], *rest[1], *rest[2], *where]
    if path != sender.domain:
        bounces, _ = await mx.check_mx(look_up, path, "mx", "bounces")
        found += [*bounces, *await check_spf(look_up, sender.domain, "spf")]
    found.append(await mx.check_dnssec(look_up, sender.domain))
    found += await mx.check_ipv6(look_up, sender.domain, hosts)
    found += await mx.check_dane(look_up, sender.domain, hosts)
    return [replace(one, domain=sender.domain) for one in found]


async def _check_keys(look_up: LookUp, sender: SenderDomain, signer: str) -> list[Diagnosis]:
    found = [await check_dkim_key(look_up, key, "dkim") for key in sender.keys]
    if not found:
        found.append(
            doubtful(
                "dkim",
                "we do not sign: the relay must, with a key of your own domain",
                "See in a test copy that DKIM passes for your domain (send --test), or sign here: moza-mail dkim new",
            )
        )
    return [*found, await check_has_any_key(look_up, signer, "dkim")]
