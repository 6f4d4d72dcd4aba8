"""One row of the table that classifies replies."""

from dataclasses import dataclass

from moza_mail.model.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRule:
    """A condition on a reply, and the verdict that follows if all parts of the condition hold.

    status: a regular expression that must match the whole enhanced status.
    code: a regular expression that must match the beginning of the basic code.
    words: a regular expression to search for in the words of the reply. In these words, `RCPT` replaces the reader's address,
        `ADDR` any other address, and `IP` an IP address.
    server: a regular expression to search for in the unmasked reply, followed by the name of its server.
    phases: the steps of a session to which the rule applies: connect, helo, auth, mail, rcpt, data, body.
    in_report: True if the rule applies only to reports of other servers, False if it applies only to replies in our own
        session, None if it applies to both.
    is_permanent: True if the rule applies only to a 5xx.
    is_kept_by_4xx: True if the verdict stays the same for a 4xx, instead of becoming a temporary one.
    source, seen: where the words were found, and when.
    """

    name: str
    verdict: Verdict
    source: str
    seen: str
    status: str = ""
    code: str = ""
    words: str = ""
    server: str = ""
    phases: frozenset[str] = frozenset()
    in_report: bool | None = None
    is_permanent: bool = False
    is_kept_by_4xx: bool = False
