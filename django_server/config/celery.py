"""The Celery application: which broker, which queues, what runs every night, how a worker's children live and die."""

import os
import signal

from celery import Celery
from celery.schedules import crontab
from celery.signals import worker_init, worker_process_init, worker_ready, worker_shutting_down

from config.lost_acks import survive_unheard_acks
from serve.child_process import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("django-file-upload")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["pregen"])  # no Django app: work that `pregen generate --distribute` hands out
# In UTC. Names and queue are those of images/queue.py, which can't be imported before Django is set up.
app.conf.beat_schedule = {
    "reconcile every night": {
        "task": "images.reconcile",
        "schedule": crontab(minute="30", hour="3"),
        # Where no worker takes it until morning, the next night does.
        "options": {"queue": "bulk", "expires": 4 * 3600},
    }
}


@worker_init.connect
def go_on_without_an_ack(**_: object) -> None:
    survive_unheard_acks()


@worker_process_init.connect
def end_with_the_worker(**_: object) -> None:
    # A worker killed with SIGKILL can't stop its pool: an orphan would go on with claims nobody renews.
    die_with_parent(signal.SIGKILL)


@worker_process_init.connect
def begin_to_count(**_: object) -> None:
    from images.observability.metrics import start_at_zero

    start_at_zero()


@worker_ready.connect
def tell_what_the_pool_counts(**_: object) -> None:
    # Of the main process, whose pool is forked by now: what a thread holds just then would stay held in a fork.
    from images.observability.metrics_listener import listen_for_scrapes

    listen_for_scrapes()


@worker_shutting_down.connect
def hand_back_what_has_not_begun(**_: object) -> None:
    from images.draining import begin_draining

    begin_draining()
