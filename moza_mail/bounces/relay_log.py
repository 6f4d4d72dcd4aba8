"""Find in the log of a relay which messages the relay accepted.

Postfix logs a Message-ID and its queue id once, while it is still reading the message. Only a later line of
its queue manager with that queue id proves that Postfix accepted the message. Exim logs the Message-ID and
the queue id only after it has accepted the message. In any other log, the line with the Message-ID must
itself report acceptance.
"""

import re
from collections.abc import Container, Iterable, Iterator

from moza_mail.model.relay_log import AcceptanceProof

POSTFIX_ID = re.compile(r"postfix\S*/cleanup\[\d+\]: (?P<queue>[0-9A-Za-z]+): message-id=(?P<id><[^<>\s]+>)")
POSTFIX_PROOF = re.compile(
    r"postfix\S*/\w+\[\d+\]: (?P<queue>[0-9A-Za-z]+): (?:from=<[^>]*>, size=\d+, nrcpt=\d+ \(queue active\)|.*\bstatus=sent\b|removed$)"
)
EXIM_PROOF = re.compile(r"(?:^|\s)(?P<queue>\w{6}-\w{6,11}-\w{2,4}) <= .*\sid=(?P<id>[^\s<>]+)")
ACCEPTED = re.compile(r"\b(?:accepted|queued|delivered|status=sent|250[ -])", re.IGNORECASE)
# Characters around a Message-ID in any log.
DELIMITERS = re.compile(r"[\s<>\"',;=\[\]()]+")
# Postfix and Exim write shorter lines. On a hostile line, the time of the patterns above grows with the
# square of the length.
MAX_LINE_LENGTH = 4_000


def read_relay_log(lines: Iterable[str], wanted: Container[str]) -> Iterator[AcceptanceProof]:
    """Yield one proof for each wanted Message-ID (`<x@y>`) that the relay accepted.

    Each proof is yielded as soon as it is found.
    """
    queued: dict[str, str] = {}
    proven: set[str] = set()
    for raw in lines:
        line = raw.rstrip("\n")
        if found := POSTFIX_ID.search(line[:MAX_LINE_LENGTH]):
            if found["id"] in wanted:
                queued[found["queue"]] = found["id"]
            continue
        proof = _find_proof(line, queued, wanted)
        if proof and proof.message_id not in proven:
            proven.add(proof.message_id)
            yield proof


def _find_proof(line: str, queued: dict[str, str], wanted: Container[str]) -> AcceptanceProof | None:
    if found := POSTFIX_PROOF.search(line[:MAX_LINE_LENGTH]):
        message_id = queued.get(found["queue"])
        return (
            AcceptanceProof(message_id=message_id, queue_id=found["queue"], line=line) if message_id else None
        )
    if found := EXIM_PROOF.search(line[:MAX_LINE_LENGTH]):
        message_id = f"<{found['id']}>"
        return (
            AcceptanceProof(message_id=message_id, queue_id=found["queue"], line=line)
            if message_id in wanted
            else None
        )
    if ACCEPTED.search(line):
        for token in DELIMITERS.split(line):
            if f"<{token}>" in wanted:
                return AcceptanceProof(message_id=f"<{token}>", queue_id="", line=line)
    return None
