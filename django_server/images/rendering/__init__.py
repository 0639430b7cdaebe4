"""Rendering for the web process: render slots bound the concurrent decodes, each in a process that can be killed."""
