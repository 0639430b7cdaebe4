"""The order of all middleware. A request passes through it in the order of this file, outermost first.

`config.asgi` wraps Django's application in `ASGI_MIDDLEWARE`, which runs before the request's body is read.
`config.settings` uses `DJANGO_MIDDLEWARE` as Django's MIDDLEWARE. This file has only dotted paths and no imports,
because the settings import it before Django's apps are loaded.
"""

ASGI_MIDDLEWARE = (
    "images.middleware.request_id.RequestIdMiddleware",  # first, so that every response and log line has an id
    "images.middleware.api_token.ApiTokenMiddleware",  # may refuse a request before its body is read
    "images.middleware.body_limits.BodyLimitsMiddleware",
    "images.middleware.wait_for_batch.LongPollMiddleware",  # waits before Django, whose views occupy threads
)

DJANGO_MIDDLEWARE = (
    "django.middleware.security.SecurityMiddleware",
    "images.middleware.json_errors.JsonErrorsMiddleware",
    "images.middleware.origin.OriginMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)
