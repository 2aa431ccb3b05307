"""`python -m graph`."""

from graph.app import main

if __name__ == "__main__":
    main()
