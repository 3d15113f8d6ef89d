"""The folder of the hot statements about the record; see ``cpds.base.statements``."""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
