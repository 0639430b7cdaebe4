"""Metrics of a running site, in the text format of Prometheus. There are two kinds of metrics:

- *State* (`state_gauges`: pending images, messages in the queues, free space) belongs to no process. Each scrape reads
  it from database, broker and disk, with a bounded number of SQL statements. A killed process leaves no wrong value
  behind. Every web process reports the same state: take the maximum over the processes, not the sum.
- *Counters and histograms* (`event_counters`: seconds per stage, finished images, sweeps) are incremented by many
  processes, and Celery and uvicorn run several processes behind one address. Each process writes to a file of its own
  (prometheus-client's multiprocess mode), in a folder that its container, or `manage.py serve`, empties at start.
  Counting needs no SQL statement and no message. The counts survive a killed process, and any process that uses the
  folder can report the sums.

`metrics_text` builds the text. `metrics_endpoint` serves it to this machine at /metrics, `metrics_listener` to a
network at METRICS_LISTEN. `timings` measures stages. `status_page` shows the state and the workers (`celery_workers`)
to administrators.
"""
