"""`pregen generate`: render the thumbnails that a manifest lacks.

`generator` owns the order of the steps, `render_requests` decides what is to be rendered, `one_image` renders one
image. Three executors run it: `local_executor` (files of this machine), `s3_executor` (a bucket), `celery_executor`
(workers of the server). `journal` records what is done, so that a later run skips it.
"""
