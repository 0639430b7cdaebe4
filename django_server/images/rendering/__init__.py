"""Rendering in the web process: a bounded number of decodes at once (`slots`), each in a process that can be killed."""
