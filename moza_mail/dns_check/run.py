"""One sender's domain as a whole: each question of the DNS, and what its answer means for our mail."""

import asyncio
from dataclasses import dataclass, replace

from moza_mail.dns_check import mx
from moza_mail.dns_check.answer import Ask
from moza_mail.dns_check.dkim import Key, any_key, dkim
from moza_mail.dns_check.dmarc import Proofs, dmarc
from moza_mail.dns_check.spf import spf
from moza_mail.model.health import Diagnosis, doubtful


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Whose mail it is: the domain in From, the one in MAIL FROM (empty: the same), and the keys that sign.

    `signer` is the domain of the keys.
    """

    domain: str
    path: str = ""
    signer: str = ""
    keys: tuple[Key, ...] = ()


async def examine(ask: Ask, sender: Sender) -> list[Diagnosis]:
    """Judge all that the DNS says of a sender."""
    path = sender.path or sender.domain
    signer = sender.signer or sender.domain
    (where, hosts), *rest = await asyncio.gather(
        mx.mx(ask, sender.domain, "mx", "answers and bounces"),
        spf(ask, path, "spf"),
        _keys(ask, sender, signer),
        dmarc(ask, sender.domain, Proofs(signers=(signer,) if sender.keys else (), path=path), "dmarc"),
    )
    found = [*rest[0], *rest[1], *rest[2], *where]
    if path != sender.domain:
        bounces, _ = await mx.mx(ask, path, "mx", "bounces")
        found += [*bounces, *await spf(ask, sender.domain, "spf")]
    found.append(await mx.dnssec(ask, sender.domain))
    found += await mx.ipv6(ask, sender.domain, hosts)
    found += await mx.dane(ask, sender.domain, hosts)
    return [replace(one, domain=sender.domain) for one in found]


async def _keys(ask: Ask, sender: Sender, signer: str) -> list[Diagnosis]:
    found = [await dkim(ask, key, "dkim") for key in sender.keys]
    if not found:
        found.append(
            doubtful(
                "dkim",
                "we do not sign: the relay must, with a key of your own domain",
                "See in a test copy that DKIM passes for your domain (send --test), or sign here: moza-mail dkim new",
            )
        )
    return [*found, await any_key(ask, signer, "dkim")]
