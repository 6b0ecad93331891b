"""`python -m service`: the same as `groupkeeper`, where the command is not on the path."""

from service.cli import main

main()
