"""How images come in: the body is counted (`body`), its files spooled and hashed (`multipart`), each judged
(`judge`), linked into place and written as rows (`accept`), or rendered before the answer (`synchronous`)."""
