"""The interface through which a session gets submissions and reports their outcomes."""

from typing import Protocol

from moza_mail.model.outcome import Outcome
from moza_mail.transport.protocol import Submission


class WorkSource(Protocol):
    """Gives a session submissions with a recorded intent, and takes their outcomes."""

    @property
    def is_finished(self) -> bool:
        """Return True if there will be no more submissions."""

    def take_ready(self) -> Submission | None:
        """Return a submission that may be sent now, or None if none is ready."""

    def wake_when_ready(self) -> None:
        """Wake the session when a submission is ready or there will be no more."""

    def put_back(self, submission: Submission) -> None:
        """Put a submission back, because nothing of it was sent."""

    def record_outcome(self, submission: Submission, outcome: Outcome) -> None:
        """Report the outcome of a submission."""
