"""Compare storage and database rows key by key and repair differences: `manage.py reconcile`, and every night.

`merged_listing` reads both in byte order of key, `findings` classifies a key, `repair` checks findings again and
repairs them (rows: `row_repairs`, files without a row: `orphans`), `report` counts them, `reconciliation` runs it all.
"""
