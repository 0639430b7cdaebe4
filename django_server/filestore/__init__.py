"""Store files by key. `keys` has the naming rule, `store` the protocol, `local` and `s3` are the two stores.

Both stores write atomically and list in byte order of key. This package must not know Django or pixels. The app uses
its keys, and accesses its stores through a Django storage; pregen uses it directly.
"""
