"""Where files live: the naming rule (`keys`) and the stores (`store`: the protocol; `local` and `s3`: the two stores),
which write atomically and list in byte order.

Must not know Django or pixels. The app uses it for keys and below its Django storage; pregen uses it directly.
"""
