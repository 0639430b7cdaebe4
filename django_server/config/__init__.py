"""Wiring: settings, URLs, the ASGI application, the Celery application, and adaptations of the libraries they use."""
