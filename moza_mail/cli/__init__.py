"""The command line."""


def main() -> None:
    """Run `moza-mail` with the arguments of this process."""
    from moza_mail.cli.app import app
    from moza_mail.cli.output import guarded

    guarded(app)
