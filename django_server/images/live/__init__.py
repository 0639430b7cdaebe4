"""Live events: publishes changes of images, and sends them to WebSocket clients.

`routing` mounts `consumers.LiveConsumer`. Events arrive through `hub`; `replays` reads snapshots from the database.
This package changes no database row.
"""
