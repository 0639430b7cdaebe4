"""Storage and rows compared key by key, and what differs repaired: `manage.py reconcile`, and every night.

`walk` goes over both at once, `judge` says what is wrong with a key, `settle` looks again and repairs, `report` tells,
`run` puts them in order. Row repairs belong to `images.reconcile.row_repairs`; files without a row to `orphans`.
"""
