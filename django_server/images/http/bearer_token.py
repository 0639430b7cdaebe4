"""API_TOKEN: read it from a request and compare it. Pure. Used by the middleware and by the WebSocket handshake."""

import hmac


def is_token(given: str | None, token: str) -> bool:
    """Whether `given` is the token; always when none is set. Takes the same time wherever they differ."""
    if not token:
        return True
    # A server hands headers on as latin-1; a byte that was none survives the round trip.
    return given is not None and hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def bearer(authorization: bytes | None) -> str | None:
    """The token of an `Authorization: Bearer …` header; None without one."""
    scheme, _, given = (authorization or b"").decode("utf-8", "replace").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None
