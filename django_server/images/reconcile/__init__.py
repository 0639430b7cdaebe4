"""Compare storage and database rows key by key and repair differences: `manage.py reconcile`, and every night.

`merged_listing` reads files and rows in byte order of key. `findings` classifies the differences of a key. `repair`
checks findings again and repairs them: rows in `row_repairs`, files without a row in `orphans`. `report` counts the
findings. `reconciliation` calls these modules.

A *key* is the name of a file in the storage. A *head* is the beginning of the keys to compare: empty, or ending in a
slash.
"""
