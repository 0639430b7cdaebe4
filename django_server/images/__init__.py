"""The only Django app.

`api` and `uploads` accept images, `tasks` and `processing` render them, `live` publishes events to WebSockets, and
`serializers` builds the JSON.
"""
