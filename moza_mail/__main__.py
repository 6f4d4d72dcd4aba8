"""Run the command `moza-mail` as `python -m moza_mail`."""

from moza_mail.cli import main

main()
