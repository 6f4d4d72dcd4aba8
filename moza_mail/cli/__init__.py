"""The command line."""


def main() -> None:
    """Run `moza-mail` with the arguments of this process."""
    from moza_mail.cli.app import app
    from moza_mail.cli.subscribers import app as subscribers
    from moza_mail.cli.talk import guarded

    app.add_typer(subscribers, name="subscribers")
    guarded(app)
