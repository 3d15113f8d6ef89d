#!/usr/bin/env python
"""Run a management command: ``python manage.py help`` lists them."""

import sys

from config import choose_settings


def main() -> None:
    """Run the command named on the command line."""
    choose_settings()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
