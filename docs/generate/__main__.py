"""Write the marked blocks of docs/*.md anew."""

import sys

import django

from config import choose_settings


def main() -> None:
    """Write every page that has changed, and name it."""
    choose_settings()
    django.setup()
    from docs.generate.pages import generated, pages

    for page in pages():
        before = page.read_text(encoding="utf-8")
        after = generated(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            sys.stdout.write(f"{page.name}\n")


if __name__ == "__main__":
    main()
