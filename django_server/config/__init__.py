"""Wiring: settings, URLs, the ASGI application, the Celery application, and what these need of their libraries."""
