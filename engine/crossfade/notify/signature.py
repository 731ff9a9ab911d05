"""The signature of a request, by which a receiver knows that it comes from somebody who has the secret. Pure.

It is over the time as well as the body, so that an old request cannot be sent again later.
"""

from __future__ import annotations

import hashlib
import hmac


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The header `Crossfade-Signature`: `t=SECONDS,v1=HEX`, HMAC-SHA256 over `SECONDS.BODY`; seconds since 1970."""
    digest = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"
