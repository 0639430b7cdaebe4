"""The Celery application: settings, nightly schedule, and signal handlers of workers and their pool processes."""

import os
import signal

from celery import Celery
from celery.schedules import crontab
from celery.signals import worker_init, worker_process_init, worker_ready, worker_shutting_down

from config.celery_lost_acks import tolerate_failed_acks
from serve.child_process import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("django-file-upload")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["pregen"])  # the task of `pregen generate --distribute`; pregen is not a Django app
# Times in UTC. Task and queue are named as in images/celery_queue.py, which cannot be imported before Django is set up.
app.conf.beat_schedule = {
    "reconcile every night": {
        "task": "images.reconcile",
        "schedule": crontab(minute="30", hour="3"),
        # If no worker starts the task within four hours, it is skipped until the next night.
        "options": {"queue": "bulk", "expires": 4 * 3600},
    }
}


@worker_init.connect
def install_ack_tolerance(**_: object) -> None:
    tolerate_failed_acks()


@worker_process_init.connect
def exit_with_the_worker(**_: object) -> None:
    # A worker that is killed with SIGKILL cannot stop its pool processes. They would continue to render although the
    # claims of their images expire.
    die_with_parent(signal.SIGKILL)


@worker_process_init.connect
def start_counters_at_zero(**_: object) -> None:
    from images.observability.event_counters import start_at_zero

    start_at_zero()


@worker_ready.connect
def start_metrics_listener(**_: object) -> None:
    # Called in the main process after the pool is forked: a lock that the listener's thread holds would never be
    # released in a fork.
    from images.observability.metrics_listener import listen_for_scrapes

    listen_for_scrapes()


@worker_shutting_down.connect
def set_stop_flag(**_: object) -> None:
    from images.worker_stop_flag import set_worker_stopping

    set_worker_stopping()
