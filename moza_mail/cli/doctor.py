"""`moza-mail doctor`: print each diagnosis with its remedy."""

from collections import Counter
from dataclasses import asdict

from moza_mail.app.doctor import examine
from moza_mail.cli import output
from moza_mail.cli.run import run_async
from moza_mail.i18n import gettext as _
from moza_mail.model.health import Diagnosis, HealthState
from moza_mail.project import Project

MARKS = {
    HealthState.GOOD: _("ok"),
    HealthState.DOUBTFUL: _("look"),
    HealthState.BAD: _("wrong"),
    HealthState.UNKNOWN: "?",
}
HEADINGS = {
    "config": _("Settings"),
    "files": _("Secrets"),
    "clock": _("Clock"),
    "store": _("Store"),
    "oauth": _("OAuth 2"),
    "relay": _("Relay"),
    "mailbox": _("Bounce mailbox"),
    "domain": _("Domain"),
}
RECORDS = {
    "spf": "SPF",
    "dkim": "DKIM",
    "dmarc": "DMARC",
    "mx": "MX",
    "dnssec": "DNSSEC",
    "ipv6": "IPv6",
    "dane": "DANE",
}


def doctor(project: Project, resolver: str, *, offline: bool, as_json: bool) -> int:
    """Print every diagnosis; return 3 if something is wrong."""
    return run_async(lambda: _doctor(project, resolver, offline=offline, as_json=as_json))


async def _doctor(project: Project, resolver: str, *, offline: bool, as_json: bool) -> int:
    diagnoses = []
    heading = ""
    async for diagnosis in examine(project, None if offline else resolver):
        diagnoses.append(diagnosis)
        if not as_json:
            heading = _print(diagnosis, heading)
    if as_json:
        output.give_json([asdict(diagnosis) for diagnosis in diagnoses])
    count = Counter(diagnosis.state for diagnosis in diagnoses)
    output.say(
        _(
            "\n{good} ok, {doubtful} to look at, {bad} wrong, {unknown} unknown.",
            good=count[HealthState.GOOD],
            doubtful=count[HealthState.DOUBTFUL],
            bad=count[HealthState.BAD],
            unknown=count[HealthState.UNKNOWN],
        )
    )
    return output.NEEDS_ATTENTION if count[HealthState.BAD] else 0


def _print(diagnosis: Diagnosis, last_heading: str) -> str:
    """Print a heading, if it is not `last_heading`, and the diagnosis. Return the heading."""
    subject = diagnosis.subject
    domain = diagnosis.domain
    heading = output.shown(_("Domain {domain}", domain=domain) if domain else HEADINGS.get(subject, subject))
    if heading != last_heading:
        output.give(f"\n{heading}" if last_heading else heading)
    record = f"{RECORDS.get(subject, subject)}: " if diagnosis.domain else ""
    output.give(f"  {output.shown(MARKS[diagnosis.state]):<6}{record}{output.shown(diagnosis.message)}")
    for more in filter(None, (diagnosis.hint, diagnosis.record)):
        output.give(f"        {output.shown(more)}")
    return heading
