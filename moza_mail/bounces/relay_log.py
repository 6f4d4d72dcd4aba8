"""A relay's log to proof: which of the messages we ask about it says that the relay has taken.

Postfix names a Message-ID once, under its queue id, while it still reads the message; only what its queue manager says
later of that queue id proves that it took it. Exim names both when it has taken it. In any other text the line that names the
Message-ID must itself say so.
"""

import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

POSTFIX_ID = re.compile(r"postfix\S*/cleanup\[\d+\]: (?P<queue>[0-9A-Za-z]+): message-id=(?P<id><[^<>\s]+>)")
POSTFIX_PROOF = re.compile(
    r"postfix\S*/\w+\[\d+\]: (?P<queue>[0-9A-Za-z]+): (?:from=<[^>]*>, size=\d+, nrcpt=\d+ \(queue active\)|.*\bstatus=sent\b|removed$)"
)
EXIM_PROOF = re.compile(r"(?:^|\s)(?P<queue>\w{6}-\w{6,11}-\w{2,4}) <= .*\sid=(?P<id>[^\s<>]+)")
ACCEPTED = re.compile(r"\b(?:accepted|queued|delivered|status=sent|250[ -])", re.IGNORECASE)
MESSAGE_ID = re.compile(r"<?([^\s<>\"',;=\[\]()]+@[^\s<>\"',;\[\]()]+)>?")


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptanceProof:
    """A log line that shows that the relay has taken a message; `queue_id` is the relay's own name for it, if it tells."""

    message_id: str
    queue_id: str
    line: str


def read_relay_log(lines: Iterable[str], wanted: AbstractSet[str]) -> Iterator[AcceptanceProof]:
    """Read a log once and give a proof for each wanted Message-ID (`<x@y>`) of which it has one, as it is found."""
    queued: dict[str, str] = {}
    proven: set[str] = set()
    for raw in lines:
        line = raw.rstrip("\n")
        if found := POSTFIX_ID.search(line):
            if found["id"] in wanted:
                queued[found["queue"]] = found["id"]
            continue
        proof = _find_proof(line, queued, wanted)
        if proof and proof.message_id not in proven:
            proven.add(proof.message_id)
            yield proof


def _find_proof(line: str, queued: dict[str, str], wanted: AbstractSet[str]) -> AcceptanceProof | None:
    if found := POSTFIX_PROOF.search(line):
        message_id = queued.get(found["queue"])
        return (
            AcceptanceProof(message_id=message_id, queue_id=found["queue"], line=line) if message_id else None
        )
    if found := EXIM_PROOF.search(line):
        message_id = f"<{found['id']}>"
        return (
            AcceptanceProof(message_id=message_id, queue_id=found["queue"], line=line)
            if message_id in wanted
            else None
        )
    if ACCEPTED.search(line):
        for found in MESSAGE_ID.finditer(line):
            if f"<{found[1]}>" in wanted:
                return AcceptanceProof(message_id=f"<{found[1]}>", queue_id="", line=line)
    return None
