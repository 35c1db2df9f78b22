"""How often something may be said: a token bucket for each thing."""


class Limiter:
    """Lets `burst` through at once and one more every `pause` seconds; counts what it does not.

    Keys are words of our own, so that there are only so many. Every `now` is a monotonic instant.
    """

    def __init__(self, burst: int, pause: float) -> None:
        self._burst, self._pause = burst, pause
        self._tokens: dict[str, tuple[float, float]] = {}
        self._suppressed: dict[str, int] = {}

    def admit(self, key: str, now: float) -> int | None:
        """Return how many were held back since the last one, or None to hold this one back."""
        tokens, at = self._tokens.get(key, (float(self._burst), now))
        tokens = min(tokens + max(now - at, 0.0) / self._pause, float(self._burst))
        allowed = tokens >= 1
        self._tokens[key] = (tokens - allowed, now)
        if allowed:
            return self._suppressed.pop(key, 0)
        self._suppressed[key] = self._suppressed.get(key, 0) + 1
        return None
