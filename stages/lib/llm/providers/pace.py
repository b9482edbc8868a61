"""How many calls go out at a time, and how fast, as far as the endpoint lets them through.

A rate limit is not a fault. What it is nobody says beforehand, and few endpoints say it afterwards.
So calls at a time begin with one and grow with what was answered; a refusal stops all calls for a
while, then one call asks whether it is over, and from then on calls keep the pace that came through
between two refusals. As long as nothing is refused that pace rises slowly.
"""

import asyncio
import re
import time
from collections.abc import Mapping

PAUSE = 5.0
"""Seconds of the first pause, where the endpoint does not say how long; each next is twice that."""
LONGEST = 60.0
PER_STEP = 8
"""Answers for each further call at a time, so that one limit refuses a few calls at most."""
SOONER = 0.7
"""What the time between calls shrinks to after that many answers without a refusal."""


class Pace:
    """Shared by all calls to an endpoint.

    Args:
        most: calls at a time that the user allows.

    """

    def __init__(self, most: int) -> None:
        self.between = 0.0
        """Seconds between the beginnings of calls; 0 where no limit was met."""
        self.last_through = time.monotonic()
        self._most = most
        self._limit = 1
        self._under_way = 0
        self._next = 0.0
        self._pause = 0.0
        self._refused_at = 0.0
        self._asking = False
        self._since = time.monotonic()
        self._through = self._steps = 0
        self._changed = asyncio.Condition()

    async def turn(self) -> float:
        """Waits until a call may begin; when it began, for `answered` and `refused`."""
        async with self._changed:
            while True:
                wait = self._next - time.monotonic()
                # until one call came through after a refusal, no other begins
                free = 1 if self._pause else self._limit
                if self._under_way < free and wait <= 0:
                    break
                if self._under_way < free:
                    self._changed.release()
                    try:
                        await asyncio.sleep(wait)
                    finally:
                        await self._changed.acquire()
                else:
                    await self._changed.wait()
            now = time.monotonic()
            self._under_way += 1
            self._next = max(self._next, now + self.between)
        return now

    async def over(self) -> None:
        """A call is over, whatever became of it."""
        async with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    def answered(self, began: float, headers: Mapping[str, str]) -> None:
        """A call came through."""
        now = self.last_through = time.monotonic()
        self._through += 1
        self._steps += 1
        if self._pause and began > self._refused_at:
            self.between = (now - self._since) / self._through
            self._since, self._through, self._steps, self._pause = now, 0, 0, 0.0
            self._next = now + self.between
        elif self._steps >= PER_STEP:
            self._steps = 0
            self._limit = min(self._most, self._limit + 1)
            self.between *= SOONER
        self._next = max(self._next, now + used_up(headers))

    def refused(self, began: float, headers: Mapping[str, str], words: str = "") -> float:
        """A call came too early; how many seconds all calls wait now."""
        now = time.monotonic()
        told = wait_of(headers) or wait_in(words)
        if began > self._refused_at or told:
            # calls that were under way together are one refusal
            if began > self._refused_at:
                self._pause = min(LONGEST, self._pause * 2 or PAUSE)
                self._limit = max(1, self._limit // 2)
                self._refused_at = now
            self._next = max(self._next, now + (told or self._pause))
        return max(0.0, self._next - now)


def wait_of(headers: Mapping[str, str]) -> float:
    """Seconds that a refusal tells to wait; 0 where it does not."""
    if "retry-after-ms" in headers:
        return _seconds(headers["retry-after-ms"] + "ms")
    return _seconds(headers.get("retry-after", "")) or used_up(headers)


def wait_in(words: str) -> float:
    """Seconds that the words of a refusal tell to wait; 0 where they do not."""
    time_of = r"try(?: again)? (?:in|after):? ((?:\d+(?:\.\d+)? ?(?:ms|[smhd])?)+)"
    match = re.search(time_of, words, re.IGNORECASE)
    return _seconds(match[1].replace(" ", "")) if match else 0.0


def used_up(headers: Mapping[str, str]) -> float:
    """Seconds until a limit of which nothing remains is reset; 0 where something remains."""
    waits = [0.0]
    for name, value in headers.items():
        found = re.fullmatch(r"((?:x-)?ratelimit)-remaining(.*)", name.lower())
        if found and re.fullmatch(r"0|-\d+", value.strip()):
            waits.append(_seconds(headers.get(f"{found[1]}-reset{found[2]}", "")))
    return max(waits)


UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "": 1.0}


def _seconds(text: str) -> float:
    """Seconds of `6m0s`, `20ms`, `1.5` or a moment since 1970 (in s or ms); 0 for anything else."""
    text = text.strip()
    if not re.fullmatch(r"(\d+(\.\d*)?(ms|[smhd])?)+", text):
        return 0.0
    parts = re.findall(r"(\d+(?:\.\d*)?)(ms|[smhd])?", text)
    seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    if seconds > 1e12:
        seconds /= 1000
    if seconds > 1e9:
        seconds = max(0.0, seconds - time.time())
    return min(seconds, 3600.0)
