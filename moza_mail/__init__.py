"""moza-mail: a Markdown newsletter, composed into accessible mail and sent with a ledger that knows every recipient."""

__version__ = "0.1.0"
