"""How an accepted image is worked on: claimed, rendered, flushed, announced, and swept up after every crash.

`transitions` is the only writer of an image's status. `chunk` is the worker's loop, `render` makes the files of one
image, `announce` tells listeners, `sweep` repairs.
"""
