"""Transport: the ways out, chosen by URL."""

from moza_mail.transport.protocol import Intend, Submission, Transport

__all__ = ["Intend", "Submission", "Transport"]
