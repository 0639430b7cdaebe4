"""Metrics of a running site, in the text format of Prometheus. Two kinds, kept apart:

- *State* (`site_state`: pending images, messages in the queues, free space) belongs to no process. It is read from
  database, broker and disk at each scrape, in a bounded number of statements. A killed process leaves no wrong value
  behind. Every web process reports it, with equal values: take the maximum, never the sum.
- *Counters and histograms* (`metrics`: seconds per stage, finished images, sweeps) are incremented in many processes,
  of which Celery and uvicorn run several behind one address. Each process writes to a file of its own
  (prometheus-client's multiprocess mode), in a folder that its container, or `manage.py serve`, empties at start. They
  cost no statement and no message, survive a killed process, and any process of the folder can report the sum.

`metrics_text` builds the text. `metrics_endpoint` serves it to this machine at /metrics, `metrics_listener` to a
network at METRICS_LISTEN. `timings` measures stages, `status_page` and `celery_workers` are the administrators' page.
"""
