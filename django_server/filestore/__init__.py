"""Where files live: the naming rule (`keys`) and the stores (`store`: what each can do; `local`, `s3`), which write
atomically and list in byte order.

Pure Python over values and a file system: knows nothing of Django, of pixels or of the network's users.
The app uses it for keys and below its Django storage; pregen uses nothing else.
"""
