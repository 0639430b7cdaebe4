"""API_TOKEN: read it from a request and compare it. Pure. Used by the middleware and by the WebSocket handshake."""

import hmac


def is_token(given: str | None, token: str) -> bool:
    """Whether `given` equals `token`. Always True if `token` is empty. The comparison takes constant time."""
    if not token:
        return True
    # `replace`, because `given` may contain lone surrogates, for which UTF-8 has no encoding.
    return given is not None and hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def bearer(authorization: bytes | None) -> str | None:
    """The token of the header `Authorization: Bearer …`. None if the header is missing or of another scheme."""
    scheme, _, given = (authorization or b"").decode("utf-8", "replace").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None
