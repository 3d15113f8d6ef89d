"""What the pages say of settings, commands and limits, written from the code: ``make docs``."""
