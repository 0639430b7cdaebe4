"""Processing of an accepted image: claim, render, flush, announce, and repair after a crash.

Only `transitions` writes an image's status. `worker_loop` processes the images of one task, `render_image`
renders one image, `announce` publishes changes, `recovery` repairs, `retry_abort` serves the API and the admin.
"""
