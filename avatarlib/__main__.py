"""`python -m avatarlib`: the command line."""

from avatarlib.cli import main

main()
