"""The web server's entry point under ASGI."""

from django.core.asgi import get_asgi_application

from config import choose_settings

choose_settings()
application = get_asgi_application()
