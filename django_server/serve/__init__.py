"""`manage.py serve`: starts the processes of one site, watches them, stops them all.

`run.py` is the way in. `redis.py`, `addresses.py` and `children.py` are also used by the settings and by
Celery, so nothing in them may import Django.
"""
