"""``python -m demo.run``: one whole round in the mini world."""

import sys

if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - said before anything that an older Python cannot read is imported
        sys.exit("dpe: Python 3.11 to 3.13 is needed, this is %d.%d: make PYTHON=python3.11" % sys.version_info[:2])  # noqa: UP031
    from demo.run.main import main

    main()
