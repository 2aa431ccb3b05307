"""`python -m operations`."""

from operations.app import main

if __name__ == "__main__":
    main()
