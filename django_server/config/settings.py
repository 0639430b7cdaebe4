"""All settings, read from the environment here and nowhere else.

Without any variable: SQLite, a private Redis and files, all below DATA_DIR (the embedded mode). DATABASE_URL and
REDIS_URL select PostgreSQL and a shared Redis.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config.env_reader import (
    PORTS,
    address,
    byte_size,
    database,
    decimal_number,
    env,
    misspelt_names,
    one_of,
    seconds,
    secret,
    thumbnail_sizes,
    url,
    whole_number,
)
from config.log_config import FORMATS, LEVELS, logging_settings
from config.secret_files import read_or_create_secret
from filestore.writable_folder import folder_sentence
from images.middleware.order import DJANGO_MIDDLEWARE
from pregen.cpu_count import cores
from serve.addresses import lan_addresses
from serve.private_redis import socket_path

SERVER_ROOT = Path(__file__).resolve().parent.parent
PAGE_ROOT = SERVER_ROOT.parent / "svelte_app" / "dist"

# --- Address and data folder -------------------------------------------------------------------------------------

DATA_DIR = Path(env("DATA_DIR", default=str(SERVER_ROOT.parent / "data"))).expanduser().resolve()
HOST: str = env("HOST", default="127.0.0.1")
PORT = whole_number("PORT", 8000, *PORTS)

DEBUG: bool = env.bool("DEBUG", default=False)
# Raises an exception for SQL statements in the code that converts rows to JSON (images/sql_statement_guard.py).
QUERY_GUARD: bool = env.bool("QUERY_GUARD", default=DEBUG)
EMBEDDED_DATABASE = not env("DATABASE_URL", default="")
EMBEDDED_REDIS = not env("REDIS_URL", default="")

if secret("SECRET_KEY"):
    SECRET_KEY: str = secret("SECRET_KEY")
elif EMBEDDED_DATABASE:
    try:
        SECRET_KEY = read_or_create_secret(DATA_DIR / "secret_key")
    except OSError as error:
        raise ImproperlyConfigured(folder_sentence("DATA_DIR", DATA_DIR, error)) from None
else:
    raise ImproperlyConfigured("SECRET_KEY must be set in the environment when DATABASE_URL is.")

ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[]) or [
    "localhost",
    ".localhost",
    "127.0.0.1",
    "[::1]",
    *(lan_addresses() if HOST in ("0.0.0.0", "::") else [HOST]),  # noqa: S104  compared, not bound
]
# Origin of the URLs in responses and events, if clients reach the site by another host name. No slash at the end.
PUBLIC_URL = url("PUBLIC_URL", ("http", "https"), "https://photos.example.org").rstrip("/")

# If set, uploads, changes and the WebSocket require this token. If not, no client needs one.
API_TOKEN: str = secret("API_TOKEN")

# --- Thumbnails and limits ---------------------------------------------------------------------------------------

# label -> scale, the longest edge in pixels. The first label is the default; the largest one is the processed image.
# After a change of SIZES, missing thumbnails are generated on request, or all at once by `manage.py thumbnails`.
# After a change of QUALITY, existing thumbnails stay valid; `manage.py thumbnails --force` generates them again.
THUMBNAILS: dict[str, Any] = {
    "SIZES": thumbnail_sizes("THUMBNAIL_SIZES", default="small:240,medium:1024,large:1500"),
    "QUALITY": whole_number("THUMBNAIL_QUALITY", 82, most=95),
}
KEY_PREFIX: str = env("KEY_PREFIX", default="attachments")
UPLOADS_COLLECTION = "uploads"

MAX_FILE_BYTES = byte_size("MAX_FILE_BYTES", 50 * 2**20)
MAX_BODY_BYTES = byte_size("MAX_BODY_BYTES", 2 * 2**30)
MAX_FILES_PER_REQUEST = whole_number("MAX_FILES_PER_REQUEST", 1000)
MAX_PIXELS = whole_number("MAX_PIXELS", 100_000_000)
MAX_PIXELS_BASELINE_JPEG = whole_number("MAX_PIXELS_BASELINE_JPEG", 250_000_000)
MAX_PIXELS_PROGRESSIVE_JPEG = whole_number("MAX_PIXELS_PROGRESSIVE_JPEG", 60_000_000)
MAX_JPEG_SCANS = whole_number("MAX_JPEG_SCANS", 100)
# A request is aborted if no byte of its body arrives for this time.
BODY_STALL_SECONDS = seconds("BODY_STALL_SECONDS", 30)

# --- Processing (images/processing): these figures depend on each other -------------------------------------------

CORES = cores()
# Each process takes at least 80 MB. More than this is a typing error.
MAX_PROCESSES = 1000
WORKER_PROCESSES = whole_number("WORKER_PROCESSES", CORES, most=MAX_PROCESSES)
CHUNK_SIZE = 16
FLUSH_IMAGES = 16
FLUSH_SECONDS = 0.5
# The lease is longer than the longest render, so that a lease renewed before a render does not end during it.
RENDER_SECONDS = seconds("RENDER_SECONDS", 45)
LEASE_SECONDS = seconds("LEASE_SECONDS", 60)
if LEASE_SECONDS <= RENDER_SECONDS:
    raise ImproperlyConfigured("LEASE_SECONDS must be greater than RENDER_SECONDS.")
MAX_ATTEMPTS = 3
# The pause of the sweeper between two sweeps.
SWEEP_SECONDS = seconds("SWEEP_SECONDS", 10)
RENDER_SLOTS = whole_number("RENDER_SLOTS", CORES, most=MAX_PROCESSES)
RENDER_SLOT_WAIT_SECONDS = seconds("RENDER_SLOT_WAIT_SECONDS", 30)
# Missing thumbnails that are generated on request (images/thumbnails/generate.py). COLD_WAIT_SECONDS: how long a
# request waits for a render slot, or while another request generates the same thumbnails. COLD_LEASE_SECONDS: how long
# the claim of a crashed process lasts. COLD_FAILURE_SECONDS: the time after a failure without another attempt.
COLD_WAIT_SECONDS = decimal_number("COLD_WAIT_SECONDS", 5.0, least=0, most=3600)
MISSING_THUMBNAIL_LEASE_SECONDS = 2 * RENDER_SECONDS
COLD_FAILURE_SECONDS = seconds("COLD_FAILURE_SECONDS", 600)
# How long a redirect to a thumbnail may be cached. The signed URL in it is valid for more than four times as long.
REDIRECT_SECONDS = 300
# After this time without a response, a repeat with the same idempotency key replaces the request. The longest request
# is a synchronous upload: it waits for a render slot, renders, and then stores files for some seconds.
IDEMPOTENCY_LEASE_SECONDS = seconds(
    "IDEMPOTENCY_LEASE_SECONDS", RENDER_SLOT_WAIT_SECONDS + RENDER_SECONDS + 15, most=4 * 86_400
)

# --- Files -------------------------------------------------------------------------------------------------------

# MEDIA_ROOT may be the folder of an existing archive: then the server shows its images and stores uploads in it. Set
# INCOMING_ROOT to a folder on the same file system then: an accepted file is hard-linked into MEDIA_ROOT, not copied.
MEDIA_ROOT = Path(env("MEDIA_ROOT", default=str(DATA_DIR / "media"))).expanduser().resolve()
MEDIA_URL = "/media/"
INCOMING_ROOT = Path(env("INCOMING_ROOT", default=str(DATA_DIR / "incoming"))).expanduser().resolve()
LOCKS_ROOT = DATA_DIR / "locks"

# If S3_BUCKET is set, files are stored in that bucket. S3_ENDPOINT: the address of a server other than Amazon's.
# S3_URL_ENDPOINT: the address of that server for browsers. S3_PUBLIC: the bucket is public. URLs of a bucket that is
# not public are signed and valid for S3_URL_SECONDS.
S3_BUCKET: str = env("S3_BUCKET", default="")
S3_ENDPOINT = url("S3_ENDPOINT", ("http", "https"), "http://127.0.0.1:9000").rstrip("/")
S3_URL_ENDPOINT = url("S3_URL_ENDPOINT", ("http", "https"), "https://s3.example.org").rstrip("/")
S3_CUSTOM_DOMAIN: str = env("S3_CUSTOM_DOMAIN", default="")
S3_REGION: str = env("S3_REGION", default="us-east-1")
S3_ACCESS_KEY: str = secret("S3_ACCESS_KEY")
S3_SECRET_KEY: str = secret("S3_SECRET_KEY")
S3_PUBLIC: bool = env.bool("S3_PUBLIC", default=False)
S3_URL_SECONDS = seconds("S3_URL_SECONDS", 24 * 3600, most=7 * 24 * 3600)
S3_CONNECT_SECONDS = seconds("S3_CONNECT_SECONDS", 5)
S3_READ_SECONDS = seconds("S3_READ_SECONDS", 30)
S3_DOWNLOAD_SECONDS = seconds("S3_DOWNLOAD_SECONDS", 60)
if S3_BUCKET and not (S3_ACCESS_KEY and S3_SECRET_KEY):
    raise ImproperlyConfigured(
        "S3_ACCESS_KEY and S3_SECRET_KEY must be set in the environment when S3_BUCKET is."
    )
if S3_BUCKET and not PUBLIC_URL:
    raise ImproperlyConfigured(
        "PUBLIC_URL must be set in the environment when S3_BUCKET is: responses contain absolute URLs then."
    )
STORAGES = {
    "default": {
        "BACKEND": "images.storage.s3.S3Storage" if S3_BUCKET else "images.storage.local.LocalStorage"
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"

# --- Database ----------------------------------------------------------------------------------------------------

database_password = secret("DATABASE_PASSWORD")
if EMBEDDED_DATABASE:
    DATABASES: dict[str, dict[str, Any]] = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA_DIR / "database.sqlite3",
            "OPTIONS": {
                # Waits for the lock at the start. A deferred transaction fails with SQLITE_BUSY when it starts to
                # write.
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    }
else:
    DATABASES = {"default": database("DATABASE_URL", database_password)}
    if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
        # For all processes but the web process, whose limit config.database_timeouts sets.
        DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 2)
        # libpq sends it when it connects. Without it Django sends a SET statement on each connection.
        os.environ.setdefault("PGTZ", "UTC")
        # PgBouncer in transaction mode supports no cursors beyond a transaction.
        DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
# Time limit of a statement in the web process. 0: no limit, for a PgBouncer that rejects the parameter.
STATEMENT_SECONDS = seconds("STATEMENT_SECONDS", 3, least=0)
DATABASES["default"]["CONN_MAX_AGE"] = seconds("CONN_MAX_AGE", 0, least=0)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Queue and live layer ----------------------------------------------------------------------------------------

REDIS_URL = (
    f"unix://{socket_path(DATA_DIR)}"
    if EMBEDDED_REDIS
    else url("REDIS_URL", ("redis", "rediss", "unix"), "redis://host:6379/0")
)
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# No limit: with Celery's default a worker exits after 100 attempts, which take about an hour.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Without Redis, enqueueing fails within half a second (measured with a frozen Redis: 0.51 s). The sweeper enqueues
    # the image later.
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "max_retries": 0,
    "visibility_timeout": int(timedelta(hours=1).total_seconds()),
    # A worker takes the next message from its first queue that is not empty: with `--queues uploads,bulk` uploads do
    # not wait for bulk work.
    "queue_order_strategy": "priority",
}
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
# No results are stored, so beat needs no nightly clean-up task.
CELERY_RESULT_EXPIRES = None
CELERY_TASK_ACKS_LATE = True
# Work of a lost worker is retried after its lease only: a message redelivered at once would find the claim still valid
# and do nothing.
CELERY_TASK_REJECT_ON_WORKER_LOST = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "uploads"
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A pool process that uses more resident memory, in kilobytes, is replaced after its task.
CELERY_WORKER_MAX_MEMORY_PER_CHILD = whole_number("WORKER_CHILD_KILOBYTES", 1_500_000)

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
}

# --- Django ------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    # As an app, daphne only replaces the command `runserver`, which is for development. Without it, the start of a
    # process takes a fifth less CPU time and 17 MB less memory.
    *(["daphne"] if DEBUG else []),
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "ninja",
    "images",
    "config",
]
MIDDLEWARE = list(DJANGO_MIDDLEWARE)
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# Switched off, because Django responds with an HTML page. The upload view enforces MAX_FILES_PER_REQUEST instead.
DATA_UPLOAD_MAX_NUMBER_FILES = None
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
SECURE_REFERRER_POLICY = "same-origin"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []
# With an https PUBLIC_URL, the admin's cookies are sent over https only.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
# Strict-Transport-Security (W004) and the redirect to https (W008) are configured in nginx.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]

# --- Monitoring --------------------------------------------------------------------------------------------------

LOG_FORMAT = one_of("LOG_FORMAT", "line", FORMATS)
LOGGING = logging_settings(LOG_FORMAT, one_of("LOG_LEVEL", "INFO", LEVELS))

# Folder of the metric files, from which one process can export the sums over all processes (images/observability).
# prometheus-client reads the same variable. If it is not set, each process exports only its own values.
METRICS_DIR = Path(env("PROMETHEUS_MULTIPROC_DIR")) if env("PROMETHEUS_MULTIPROC_DIR", default="") else None
# Address at which a process exports its metrics, such as `0.0.0.0:9100`. There is no access control.
METRICS_LISTEN = address("METRICS_LISTEN")

# --- Warnings ----------------------------------------------------------------------------------------------------

# Sentences about variables that are probably misspelt settings. Last, because every setting above has been read here.
MISSPELT_SETTINGS = misspelt_names(os.environ, env.names)
