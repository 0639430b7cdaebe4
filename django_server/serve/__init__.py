"""`manage.py serve`: starts the processes of one site, restarts them when they die, and stops them all.

`run.py` is the entry point. The settings use `private_redis` and `addresses`, and Celery uses `child_process`, so
nothing in this package may import Django.
"""
