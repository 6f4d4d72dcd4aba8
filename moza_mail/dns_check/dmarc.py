"""DMARC (RFC 9989, before it RFC 7489): what receivers do with mail in the domain's name that is not proved to be its own."""

from dataclasses import dataclass

from moza_mail.dns_check.answer import LookUp
from moza_mail.dns_check.dkim import parse_tags
from moza_mail.model.health import Diagnosis, bad, doubtful, good, unknown

# RFC 9989 4.10: the walk up the tree asks eight times at most.
MAX_LOOKUPS = 8
STRICT = frozenset({"quarantine", "reject"})


class DmarcLookupFailed(Exception):
    """Something on the way could not be asked, as a clause."""


class MultipleRecords(Exception):
    """A name with more than one record, which counts as none (RFC 9989 4.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcPolicy:
    """The record that holds for a domain: where it stands, its tags, and the organisational domain (RFC 9989 4.10.2)."""

    record_domain: str
    tags: dict[str, str]
    organisation: str

    def find_requested_policy(self, domain: str) -> str:
        """What is asked for mail of a domain that is not proved: none, quarantine or reject."""
        own = self.tags.get("p", "none").lower()
        return own if self.record_domain == domain else self.tags.get("sp", own).lower()


async def find_policy(look_up: LookUp, domain: str) -> DmarcPolicy | None:
    """Walk up the tree (RFC 9989 4.10) for the record of a domain; None when there is none."""
    met: list[tuple[str, dict[str, str]]] = []
    for name in _walk_up(domain):
        found = await _find_record(look_up, name)
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
    return DmarcPolicy(record_domain=at, tags=found, organisation=organisation)


def _walk_up(domain: str) -> list[str]:
    labels = domain.lower().split(".")
    names = [".".join(labels[at:]) for at in range(len(labels))]
    # Of a very long name the middle is passed over, so that nobody can make receivers ask for ever.
    return names if len(names) <= MAX_LOOKUPS else [names[0], *names[-(MAX_LOOKUPS - 1) :]]


async def _find_record(look_up: LookUp, name: str) -> dict[str, str] | None:
    answer = await look_up(f"_dmarc.{name}", "TXT")
    if answer.failed:
        raise DmarcLookupFailed(answer.error)
    found = [text for text in answer.records if text.replace(" ", "").startswith("v=DMARC1")]
    if len(found) > 1:
        raise MultipleRecords(f"_dmarc.{name} has {len(found)} records, which counts as none")
    return parse_tags(found[0]) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticatedDomains:
    """By which domains a mail is proved: those that sign it, and the one in MAIL FROM."""

    signers: tuple[str, ...]
    return_path: str


async def check_dmarc(
    look_up: LookUp, domain: str, authenticated: AuthenticatedDomains, subject: str
) -> list[Diagnosis]:
    """Judge the policy of the domain in From, and whether what proves our mail counts for it."""
    record = f'_dmarc.{domain}. IN TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@{domain}"'
    try:
        found = await find_policy(look_up, domain)
    except DmarcLookupFailed as why:
        return [unknown(subject, f"the DMARC of {domain} could not be asked: {why}")]
    except MultipleRecords as clause:
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
        _check_policy(found, domain, subject, record),
        *await _check_reports(look_up, found, subject),
        await _check_alignment(look_up, found, domain, authenticated),
    ]


def _check_policy(found: DmarcPolicy, domain: str, subject: str, record: str) -> Diagnosis:
    wants = found.find_requested_policy(domain)
    where = "" if found.record_domain == domain else f", by the record of {found.record_domain}"
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


async def _check_reports(look_up: LookUp, found: DmarcPolicy, subject: str) -> list[Diagnosis]:
    """Whether reports are asked for, and whether those who get them agree (RFC 9990 3.3)."""
    places = [place.strip() for place in found.tags.get("rua", "").split(",") if place.strip()]
    if not places:
        return [
            doubtful(
                subject,
                f"the DMARC of {found.record_domain} asks for no reports (rua=), so nobody hears of mail that fails or is forged",
                f"Add rua=mailto:dmarc@{found.organisation} to it.",
            )
        ]
    unwilling = []
    for place in places:
        target = place.partition(":")[2].partition("!")[0].rpartition("@")[2].lower()
        if not target or target == found.organisation or target.endswith(f".{found.organisation}"):
            continue
        name = f"{found.record_domain}._report._dmarc.{target}"
        answer = await look_up(name, "TXT")
        if not answer.failed and not any("v=DMARC1" in text for text in answer.records):
            unwilling.append(name)
    return [
        doubtful(
            subject,
            f"reports about {found.record_domain} go to another domain, which does not say that it wants them ({name})",
            "Ask them to publish this record.",
            f'{name}. IN TXT "v=DMARC1"',
        )
        for name in unwilling
    ]


async def _check_alignment(
    look_up: LookUp, found: DmarcPolicy, domain: str, authenticated: AuthenticatedDomains
) -> Diagnosis:
    """Whether a signature or the return path counts for the domain in From (RFC 9989 4.4)."""
    subject = "alignment"
    try:
        signs = [
            signer
            for signer in authenticated.signers
            if await _is_aligned(look_up, signer, domain, found, found.tags.get("adkim", "r"))
        ]
        path = await _is_aligned(
            look_up, authenticated.return_path, domain, found, found.tags.get("aspf", "r")
        )
    except (DmarcLookupFailed, MultipleRecords) as why:
        return unknown(subject, f"whether our mail counts as that of {domain} could not be asked: {why}")
    if signs and path:
        return good(
            subject,
            f"signature ({signs[0]}) and return path ({authenticated.return_path}) both count for {domain}",
        )
    if signs:
        return good(
            subject,
            f"the signature ({signs[0]}) counts for {domain}; the return path ({authenticated.return_path}) does not",
        )
    if path:
        return doubtful(
            subject,
            f"only the return path ({authenticated.return_path}) counts for {domain}: forwarded mail fails its DMARC",
            "Sign with a key of the domain itself: moza-mail dkim new",
        )
    return bad(
        subject,
        f"nothing proves that our mail is that of {domain}: neither a signature nor the return path ({authenticated.return_path}) counts for it",
        "Sign with a key of the domain (moza-mail dkim new), or make bounce_domain a domain below it.",
    )


async def _is_aligned(look_up: LookUp, other: str, domain: str, found: DmarcPolicy, mode: str) -> bool:
    if other == domain:
        return True
    if mode.strip().lower() == "s":
        return False
    its = await find_policy(look_up, other)
    return its is not None and its.organisation == found.organisation
