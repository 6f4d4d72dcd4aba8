"""The command line."""

import atexit
import gc


def main() -> None:
    """Run `moza-mail` with the arguments of this process."""
    # Most objects of a command, such as modules, live until it ends. Searching them for garbage would take a tenth of a short
    # command while it runs, and a fifth when Python ends.
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)
    from moza_mail.cli.app import app
    from moza_mail.cli.output import guarded

    guarded(app)
