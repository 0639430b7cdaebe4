"""The command line tool for an archive that is there already: what exists, what is missing, and the making of it.

`scan` writes a manifest, `generate` makes the thumbnails it lacks, `report` reads it. Never imports Django: the pixels
are `imaging`'s, the names and stores `archive`'s. The server reads `manifest` and `journal`, and works on `tasks`.
"""
