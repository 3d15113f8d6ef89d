"""How long a list may be. Apart from the models, whose library is heavy to import."""

from typing import Final

MAX_ITEMS: Final = 10_000
"""Items one ``for_each`` may have."""
