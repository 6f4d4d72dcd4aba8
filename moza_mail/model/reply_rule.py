"""One row of the table that classifies replies."""

from dataclasses import dataclass

from moza_mail.model.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRule:
    """A condition on a reply, and the verdict that follows if all parts of the condition hold.

    status: a regular expression that must match the whole enhanced status.
    code: a regular expression that must match the beginning of the basic code.
    words: a regular expression to search for in the words. There, the reader's address is `RCPT`, another address `ADDR` and
        an IP address `IP`.
    server: a regular expression to search for in the whole reply with the name of its server.
    phases: the steps of a session to which the rule applies: connect, helo, auth, mail, rcpt, data, body.
    in_report: True for a rule only about reports of other servers, False for a rule only about replies in our own session.
    is_permanent: the rule applies only to a 5xx.
    is_kept_by_4xx: a 4xx does not turn the verdict into a temporary one.
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
