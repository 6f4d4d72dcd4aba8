"""One row of the table by which replies are classified."""

from dataclasses import dataclass

from moza_mail.model.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRule:
    r"""A condition on a reply and the verdict that follows. All conditions given must hold.

    status, code: regular expressions of the whole enhanced status and the beginning of the basic code.
    words, server: regular expressions searched in the words, and in the whole reply with the name of its server. Case does
        not matter. In `words` the reader's address is `RCPT`, another address `ADDR` and an IP address `IP`.
    phases: the steps of a session it applies to: connect, helo, auth, mail, rcpt, data, body.
    in_report: True only for a report about another server, False only for a reply in our own session.
    is_permanent: only for a 5xx.
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
