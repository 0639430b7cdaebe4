"""What can be measured of a running site, in the text that Prometheus reads.

Two kinds, kept apart, since each goes wrong when done as the other:

- *State* (`state`: images that wait, messages in the queues, free space) belongs to no process. It is asked of
  database, broker and disk when somebody looks, in bounded statements, and nobody has to keep it up to date: a killed
  process leaves nothing wrong behind. Who answers requests tells it; two instances tell the same: it is never summed.
- *Events* (`counted`: seconds of stages, images that became final, sweeps) happen in many processes, of which Celery
  and uvicorn run several behind one address. Each process adds them up in a file of its own (prometheus-client's
  multiprocess mode), in a folder that its container, or `manage.py serve`, begins empty. They cost no statement and no
  message, they outlive a process that is killed, and any process of the folder can tell the sum.

`exposition` makes the text, `local` gives it to this machine at /metrics, `listener` to a network at METRICS_LISTEN.
"""
