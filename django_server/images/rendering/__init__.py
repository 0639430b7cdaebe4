"""Rendering for web processes: render slots limit the concurrent decodes, and each decode can be killed."""
