"""Check a domain's DMARC policy, and whether our mail is aligned with the domain.

The standard is RFC 9989, formerly RFC 7489.
"""

from dataclasses import dataclass

from moza_mail.dns_check.answer import LookUp
from moza_mail.dns_check.dkim import parse_tags
from moza_mail.model.health import Diagnosis, bad, doubtful, good, unknown

# RFC 9989 4.10: the tree walk makes at most eight queries.
MAX_LOOKUPS = 8
STRICT = frozenset({"quarantine", "reject"})


class DmarcLookupFailed(Exception):
    """A DNS query of a DMARC check failed. The text of this error is a clause of a sentence."""


class MultipleRecords(Exception):
    """A name has several DMARC records, so receivers ignore all of them (RFC 9989 4.7).

    The text of this error is a clause of a sentence.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcPolicy:
    """The DMARC record that applies to a domain.

    record_domain: the domain that has the record.
    organisation: the organisational domain (RFC 9989 4.10.2).
    """

    record_domain: str
    tags: dict[str, str]
    organisation: str

    def find_requested_policy(self, domain: str) -> str:
        """Return the policy that the domain requests for mail that is not authenticated.

        It is none, quarantine or reject.
        """
        own = self.tags.get("p", "none").lower()
        return own if self.record_domain == domain else self.tags.get("sp", own).lower()


async def find_policy(look_up: LookUp, domain: str) -> DmarcPolicy | None:
    """Return the policy of a domain, None if there is none.

    The policy is found by walking up the DNS tree (RFC 9989 4.10).
    """
    records: list[tuple[str, dict[str, str]]] = []
    for name in _walk_up(domain):
        found = await _find_record(look_up, name)
        if found is None:
            continue
        records.append((name, found))
        if found.get("psd", "u").lower() in {"n", "y"}:
            break
    if not records:
        return None
    last, final = records[-1]
    if final.get("psd", "u").lower() == "y" and last != domain:
        # The record belongs to a public suffix. Then the organisational domain is one label longer.
        labels = domain.split(".")
        organisation = ".".join(labels[-(len(last.split(".")) + 1) :])
    else:
        organisation = last
    own = next((record for name, record in records if name == domain), None)
    record_domain, found = (
        (domain, own)
        if own is not None
        else next(((name, record) for name, record in records if name == organisation), records[-1])
    )
    return DmarcPolicy(record_domain=record_domain, tags=found, organisation=organisation)


def _walk_up(domain: str) -> list[str]:
    labels = domain.lower().split(".")
    names = [".".join(labels[at:]) for at in range(len(labels))]
    # The middle of a very long name is skipped, so that nobody can make receivers send endless queries.
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
    """The domains that authenticate a mail.

    signers: the domains that sign the mail.
    return_path: the domain in MAIL FROM.
    """

    signers: tuple[str, ...]
    return_path: str


async def check_dmarc(
    look_up: LookUp, domain: str, authenticated: AuthenticatedDomains, subject: str
) -> list[Diagnosis]:
    """Check the DMARC policy and reports of the domain in From, and the alignment of our mail."""
    record = f'_dmarc.{domain}. IN TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@{domain}"'
    try:
        found = await find_policy(look_up, domain)
    except DmarcLookupFailed as why:
        return [unknown(subject, f"the DMARC record of {domain} could not be looked up: {why}")]
    except MultipleRecords as clause:
        return [bad(subject, str(clause), "Keep only one.", record)]
    if found is None:
        return [
            bad(
                subject,
                f"{domain} has no DMARC record, which Gmail, Yahoo and Outlook require of bulk senders",
                "Have this record published. Begin with p=none if you are not sure who else sends mail for you.",
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
    where = "" if found.record_domain == domain else f", in the record of {found.record_domain}"
    if wants in STRICT:
        if found.tags.get("t", "").lower() == "y":
            return doubtful(
                subject,
                f"the DMARC policy of {domain} is {wants}, but in test mode (t=y)",
                "Remove t=y when the reports show no problems.",
            )
        if found.tags.get("pct", "100") != "100":
            return doubtful(
                subject,
                f"the DMARC record of {domain} has pct={found.tags['pct']}, which RFC 9989 removed",
                "Remove pct=.",
            )
        return good(subject, f"the DMARC policy of {domain} is {wants}{where}")
    if wants == "none":
        return doubtful(
            subject,
            f"the DMARC policy of {domain} is none{where}; internet.nl's mail test requires quarantine or reject",
            "When the reports show only your own mail, publish p=quarantine, and later p=reject.",
            record,
        )
    return bad(
        subject,
        f"the DMARC policy of {domain} is {wants!a}, which is not valid, so receivers ignore it",
        "Correct p=.",
        record,
    )


async def _check_reports(look_up: LookUp, found: DmarcPolicy, subject: str) -> list[Diagnosis]:
    """Check if the policy asks for reports, and if the recipients of the reports accept them.

    See RFC 9990 3.3.
    """
    addresses = [uri.strip() for uri in found.tags.get("rua", "").split(",") if uri.strip()]
    if not addresses:
        return [
            doubtful(
                subject,
                f"the DMARC record of {found.record_domain} requests no reports (rua=), so mail that fails or is forged stays unnoticed",
                f"Add rua=mailto:dmarc@{found.organisation} to it.",
            )
        ]
    unwilling = []
    for uri in addresses:
        target = uri.partition(":")[2].partition("!")[0].rpartition("@")[2].lower()
        if not target or target == found.organisation or target.endswith(f".{found.organisation}"):
            continue
        name = f"{found.record_domain}._report._dmarc.{target}"
        answer = await look_up(name, "TXT")
        if not answer.failed and not any("v=DMARC1" in text for text in answer.records):
            unwilling.append(name)
    return [
        doubtful(
            subject,
            f"reports about {found.record_domain} go to another domain, which has no record to accept them ({name})",
            "Ask its administrator to publish this record.",
            f'{name}. IN TXT "v=DMARC1"',
        )
        for name in unwilling
    ]


async def _check_alignment(
    look_up: LookUp, found: DmarcPolicy, domain: str, authenticated: AuthenticatedDomains
) -> Diagnosis:
    """Check if a signature or the return path is aligned with the domain in From.

    See RFC 9989 4.4.
    """
    subject = "alignment"
    try:
        aligned_signers = [
            signer
            for signer in authenticated.signers
            if await _is_aligned(look_up, signer, domain, found, found.tags.get("adkim", "r"))
        ]
        is_path_aligned = await _is_aligned(
            look_up, authenticated.return_path, domain, found, found.tags.get("aspf", "r")
        )
    except (DmarcLookupFailed, MultipleRecords) as why:
        return unknown(subject, f"the alignment of our mail with {domain} could not be looked up: {why}")
    if aligned_signers and is_path_aligned:
        return good(
            subject,
            f"the signature ({aligned_signers[0]}) and the return path ({authenticated.return_path}) are aligned with {domain}",
        )
    if aligned_signers:
        return good(
            subject,
            f"the signature ({aligned_signers[0]}) is aligned with {domain}; the return path ({authenticated.return_path}) is not",
        )
    if is_path_aligned:
        return doubtful(
            subject,
            f"only the return path ({authenticated.return_path}) is aligned with {domain}, so forwarded mail fails DMARC",
            "Sign with a key of the domain itself: moza-mail dkim new",
        )
    return bad(
        subject,
        f"our mail fails DMARC: neither a signature nor the return path ({authenticated.return_path}) is aligned with {domain}",
        "Sign with a key of the domain (moza-mail dkim new), or set bounce_domain to a domain below it.",
    )


async def _is_aligned(look_up: LookUp, other: str, domain: str, found: DmarcPolicy, mode: str) -> bool:
    if other == domain:
        return True
    if mode.strip().lower() == "s":
        return False
    policy = await find_policy(look_up, other)
    return policy is not None and policy.organisation == found.organisation
