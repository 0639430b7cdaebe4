"""The WebSocket's side of the live view: who is connected, what they asked to hear, and what they are sent.

`images.live.routing` mounts `connection.live_application`. News arrives through `hub`; truth is read by `replays`.
Nothing here changes a row.
"""
