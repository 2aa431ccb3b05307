"""`python -m twinvpc.cli`: the owner's tool."""

from twinvpc.cli.app import main

main()
