"""Wiring on top, ground beneath: the Celery app, the entry points, and what both apps share.

Imports nothing: workers over HTTP use ``cpds.base`` where there is neither Django nor Celery.
"""

__version__ = "0.1.0"
