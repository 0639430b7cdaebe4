"""Processing of an accepted image: claim, render, flush, publish, and repair after a crash.

Only `transitions` writes an image's status. `worker_loop` processes the images of one task, `render_image`
renders one image, `publish` publishes changes, `recovery` repairs, and `retry_abort` retries and aborts images.
"""
