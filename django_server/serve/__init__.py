"""`manage.py serve`: starts the processes of a site, restarts each one that exits, and stops them all.

`run.py` is the entry point. No module of this package may import Django: the settings import `private_redis` and
`addresses`, and `config.celery` imports `child_process`.
"""
