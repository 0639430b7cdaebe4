"""`pregen generate`: generate the thumbnails that are missing according to a manifest.

`generator` owns the order of the steps, `render_requests` selects the images, `one_image` generates the thumbnails of
one image. Three executors call `one_image`: `local_executor` (files of this machine), `s3_executor` (a bucket),
`celery_executor` (workers of the server). `journal` records finished thumbnails, so that a later run skips them.
"""
