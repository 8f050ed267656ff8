"""`python -m callpark` is `callpark`."""

from callpark.cli import main

main()
