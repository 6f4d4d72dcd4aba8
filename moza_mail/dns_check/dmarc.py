"""DMARC (RFC 9989, before it RFC 7489): what receivers do with mail in the domain's name that is not proved to be its own."""

from dataclasses import dataclass

from moza_mail.dns_check.answer import Ask
from moza_mail.dns_check.dkim import tags
from moza_mail.model.health import Diagnosis, bad, doubtful, good, unknown

# RFC 9989 4.10: the walk up the tree asks eight times at most.
MOST = 8
STRICT = frozenset({"quarantine", "reject"})


class Unasked(Exception):
    """Something on the way could not be asked, as a clause."""


class Twofold(Exception):
    """A name with more than one record, which counts as none (RFC 9989 4.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The record that holds for a domain: where it stands, its tags, and the organisational domain (RFC 9989 4.10.2)."""

    at: str
    tags: dict[str, str]
    organisation: str

    def wants(self, domain: str) -> str:
        """What is asked for mail of a domain that is not proved: none, quarantine or reject."""
        own = self.tags.get("p", "none").lower()
        return own if self.at == domain else self.tags.get("sp", own).lower()


async def policy(ask: Ask, domain: str) -> Policy | None:
    """Walk up the tree (RFC 9989 4.10) for the record of a domain; None when there is none."""
    met: list[tuple[str, dict[str, str]]] = []
    for name in _walk(domain):
        found = await _record(ask, name)
        if found is None:
            continue
        met.append((name, found))
        if found.get("psd", "u").lower() in {"n", "y"}:
            break
    if not met:
        return None
    last, final = met[-1]
    if final.get("psd", "u").lower() == "y" and last != domain:
        # A public suffix: the organisation is the name below it.
        labels = domain.split(".")
        organisation = ".".join(labels[-(len(last.split(".")) + 1) :])
    else:
        organisation = last
    own = next((record for name, record in met if name == domain), None)
    at, found = (
        (domain, own)
        if own is not None
        else next(((name, record) for name, record in met if name == organisation), met[-1])
    )
    return Policy(at=at, tags=found, organisation=organisation)


def _walk(domain: str) -> list[str]:
    labels = domain.lower().split(".")
    names = [".".join(labels[at:]) for at in range(len(labels))]
    # Of a very long name the middle is passed over, so that nobody can make receivers ask for ever.
    return names if len(names) <= MOST else [names[0], *names[-(MOST - 1) :]]


async def _record(ask: Ask, name: str) -> dict[str, str] | None:
    answer = await ask(f"_dmarc.{name}", "TXT")
    if answer.unasked:
        raise Unasked(answer.why)
    found = [text for text in answer.records if text.replace(" ", "").startswith("v=DMARC1")]
    if len(found) > 1:
        raise Twofold(f"_dmarc.{name} has {len(found)} records, which counts as none")
    return tags(found[0]) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """By which domains a mail is proved: those that sign it, and the one in MAIL FROM."""

    signers: tuple[str, ...]
    path: str


async def dmarc(ask: Ask, domain: str, proofs: Proofs, subject: str) -> list[Diagnosis]:
    """Judge the policy of the domain in From, and whether what proves our mail counts for it."""
    record = f'_dmarc.{domain}. IN TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@{domain}"'
    try:
        found = await policy(ask, domain)
    except Unasked as why:
        return [unknown(subject, f"the DMARC of {domain} could not be asked: {why}")]
    except Twofold as clause:
        return [bad(subject, str(clause), "Leave one.", record)]
    if found is None:
        return [
            bad(
                subject,
                f"{domain} has no DMARC record, and Gmail, Yahoo and Outlook ask one of who mails many",
                "Have this record published; begin with p=none when you are not sure who else mails for you.",
                record,
            )
        ]
    return [
        _wants(found, domain, subject, record),
        *await _reports(ask, found, subject),
        await _aligned(ask, found, domain, proofs),
    ]


def _wants(found: Policy, domain: str, subject: str, record: str) -> Diagnosis:
    wants = found.wants(domain)
    where = "" if found.at == domain else f", by the record of {found.at}"
    if wants in STRICT:
        if found.tags.get("t", "").lower() == "y":
            return doubtful(
                subject,
                f"the DMARC of {domain} asks for {wants}, and says that it is being tried out (t=y)",
                "Take t=y out when the reports are quiet.",
            )
        if found.tags.get("pct", "100") != "100":
            return doubtful(
                subject,
                f"the DMARC of {domain} has pct={found.tags['pct']}, which RFC 9989 has taken out",
                "Take pct= out.",
            )
        return good(subject, f"the DMARC of {domain} asks for {wants}{where}")
    if wants == "none":
        return doubtful(
            subject,
            f"the DMARC of {domain} asks for nothing (p=none){where}; internet.nl's mail test wants quarantine or reject",
            "When the reports show only your own mail, ask for p=quarantine, and later for p=reject.",
            record,
        )
    return bad(
        subject,
        f"the DMARC of {domain} asks for {wants!a}, which is no policy, so receivers pass it over",
        "Mend p=.",
        record,
    )


async def _reports(ask: Ask, found: Policy, subject: str) -> list[Diagnosis]:
    """Whether reports are asked for, and whether those who get them agree (RFC 9990 3.3)."""
    places = [place.strip() for place in found.tags.get("rua", "").split(",") if place.strip()]
    if not places:
        return [
            doubtful(
                subject,
                f"the DMARC of {found.at} asks for no reports (rua=), so nobody hears of mail that fails or is forged",
                f"Add rua=mailto:dmarc@{found.organisation} to it.",
            )
        ]
    unwilling = []
    for place in places:
        target = place.partition(":")[2].partition("!")[0].rpartition("@")[2].lower()
        if not target or target == found.organisation or target.endswith(f".{found.organisation}"):
            continue
        name = f"{found.at}._report._dmarc.{target}"
        answer = await ask(name, "TXT")
        if not answer.unasked and not any("v=DMARC1" in text for text in answer.records):
            unwilling.append(name)
    return [
        doubtful(
            subject,
            f"reports about {found.at} go to another domain, which does not say that it wants them ({name})",
            "Ask them to publish this record.",
            f'{name}. IN TXT "v=DMARC1"',
        )
        for name in unwilling
    ]


async def _aligned(ask: Ask, found: Policy, domain: str, proofs: Proofs) -> Diagnosis:
    """Whether a signature or the return path counts for the domain in From (RFC 9989 4.4)."""
    subject = "alignment"
    try:
        signs = [
            signer
            for signer in proofs.signers
            if await _counts(ask, signer, domain, found, found.tags.get("adkim", "r"))
        ]
        path = await _counts(ask, proofs.path, domain, found, found.tags.get("aspf", "r"))
    except (Unasked, Twofold) as why:
        return unknown(subject, f"whether our mail counts as that of {domain} could not be asked: {why}")
    if signs and path:
        return good(
            subject, f"signature ({signs[0]}) and return path ({proofs.path}) both count for {domain}"
        )
    if signs:
        return good(
            subject,
            f"the signature ({signs[0]}) counts for {domain}; the return path ({proofs.path}) does not",
        )
    if path:
        return doubtful(
            subject,
            f"only the return path ({proofs.path}) counts for {domain}: forwarded mail fails its DMARC",
            "Sign with a key of the domain itself: moza-mail dkim new",
        )
    return bad(
        subject,
        f"nothing proves that our mail is that of {domain}: neither a signature nor the return path ({proofs.path}) counts for it",
        "Sign with a key of the domain (moza-mail dkim new), or make bounce_domain a domain below it.",
    )


async def _counts(ask: Ask, other: str, domain: str, found: Policy, mode: str) -> bool:
    if other == domain:
        return True
    if mode.strip().lower() == "s":
        return False
    its = await policy(ask, other)
    return its is not None and its.organisation == found.organisation
