"""`python -m moza_mail` is `moza-mail`."""

from moza_mail.cli import main

main()
