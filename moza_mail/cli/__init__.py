"""The command line."""

import gc


def main() -> None:
    """Run `moza-mail` with the arguments of this process."""
    # Most objects of a command, such as modules, live until it ends, so searching them for garbage often is a waste of a tenth.
    gc.set_threshold(50_000)
    from moza_mail.cli.app import app
    from moza_mail.cli.output import guarded

    guarded(app)
