"""How the parts are put together: settings, URLs, the ASGI application, the Celery app, and `serve`."""
