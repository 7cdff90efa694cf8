"""`python -m trellis` is the command `trellis`; a worker is started so, whatever the search path holds."""

from trellis.cli import main

if __name__ == "__main__":
    main()
