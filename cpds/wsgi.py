"""The web server's entry point under WSGI."""

from django.core.wsgi import get_wsgi_application

from config import choose_settings

choose_settings()
application = get_wsgi_application()
