"""Compare storage and database rows key by key and repair differences: `manage.py reconcile`, and every night.

`compare` compares the stored files with the rows, and calls the other modules. `merged_listing` reads files and rows in
byte order of key. `findings` classifies the differences of a key. `repair` checks findings again and repairs them: rows
with `row_repairs`, files without a row with `orphans`. `report` counts the findings.

A *key* is the name of a file in the storage. A *prefix* is the beginning of the keys to compare: it is empty or ends in
a slash.
"""
