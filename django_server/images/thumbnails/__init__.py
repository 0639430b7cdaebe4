"""Thumbnails: which there should be (`labels`), whether a stored one still serves (`validity`), and making those that
are missing (`ensure`, with `claims` for the rows and `originals` for the bytes).

`ensure` serves the page's cold pictures and the bulk command alike. An upload's first thumbnails come from
`images.processing`, by the same renderer and rules.
"""
