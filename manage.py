#!/usr/bin/env python
"""Run a management command: ``python manage.py help`` lists them."""

import sys

from config import choose_settings, choose_state_directory


def main() -> None:
    """Run the command named on the command line."""
    if sys.argv[1:2] == ["standalone"]:
        choose_state_directory(sys.argv[2:])
    choose_settings()
    from django.core.management import ManagementUtility

    utility = ManagementUtility(sys.argv)
    if sys.argv[1:2] == ["version"]:
        # Django answers this word itself, with its own version, before it looks for a command.
        import django

        django.setup()
        utility.fetch_command("version").run_from_argv(sys.argv)
    else:
        utility.execute()


if __name__ == "__main__":
    main()
