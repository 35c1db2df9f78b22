# mypy: ignore-errors
# ruff: noqa: ANN001, ANN002, ANN003, ANN201, ANN202, ANN204
"""A worker that does what it is told, a line of JSON at a time, and says how each call went.

It lives as long as its standard input, so that one process serves many tests.
"""

import asyncio
import collections.abc
import contextvars
import json
import logging
import sys
import types
import typing
import warnings
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from dialects import DIALECTS
from harness import Driver, settle

ANSWERED = contextvars.ContextVar("ANSWERED")
"""The answers to the requests of the present call: method, URL, status."""


class Answered(logging.Handler):
    """Notes every answer that the SDK's HTTP client gets, retries included."""

    def emit(self, record):
        """Keep what the line of the log says."""
        method, url, _, status, _ = record.args
        ANSWERED.get([]).append([method, str(url), status])


class Caller(Driver):
    """Makes calls and keeps the lines; each with its time, its requests, what is None in it."""

    def __init__(self, ids, creators):
        super().__init__(ids, creators)
        self.lines = []

    def say(self, line):
        """Keep the line."""
        self.lines.append(line)

    async def step(self, name, call, /, *args, **kwargs):
        """Make one call; the time is that of the call and of reading its result to the end."""
        ANSWERED.set(answers := [])
        seconds = 0.0

        async def timed():
            nonlocal seconds
            began = perf_counter()
            try:
                return await settle(call(*args, **kwargs))
            finally:
                seconds = perf_counter() - began

        value = await super().step(name, timed)
        line = self.lines[-1]
        line |= {"seconds": seconds, "answers": answers, "none": sorted(set(none_in(value)))}
        if error := line.get("error"):
            body = error["body"]
            error["status"] = error["status"] or (body or {}).get("status_code")
        return value


def none_in(value):
    """Yield the fields of results that are None although text or a list is declared."""
    if isinstance(value, dict):
        for item in value.values():
            yield from none_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from none_in(item)
    elif hasattr(value, "model_fields") or hasattr(value, "__fields__"):
        for name, hint in typing.get_type_hints(type(value)).items():
            held = getattr(value, name, "")
            if held is None and declares(hint):
                yield f"{type(value).__name__}.{name}"
            yield from none_in(held)


def declares(hint):
    """Say whether a type, None apart, is text or a list."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType, typing.Annotated):
        return any(map(declares, args))
    return hint is str or origin in (list, collections.abc.Sequence)


class Worker:
    """An SDK with its clients, one for each origin and mode."""

    def __init__(self, sdk):
        self.dialect = DIALECTS[sdk]
        self.clients = {}

    def speaker(self, origin, mode):
        """Return what talks to an origin, made on first use."""
        if (origin, mode) not in self.clients:
            self.clients[origin, mode] = self.dialect(origin, mode)
        return self.clients[origin, mode]

    async def obey(self, order):
        """Carry out an order and return what came of it."""
        speaker = self.speaker(order["origin"], order["mode"])
        do, times = order["do"], order.get("times", 1)
        if do == "prepare":
            return await speaker.prepare()
        caller = Caller(speaker.ids(), self.dialect.creators)
        if do == "sweep":
            methods = speaker.methods(order["mode"])
            only = order.get("only") or methods
            await caller.sweep({name: methods[name] for name in methods if name in only})
        elif do == "burst":
            return await burst(speaker, order["mode"], times)
        else:
            for _ in range(times):
                await call(caller, speaker, do)
        return caller.lines


async def call(caller, speaker, do):
    """Make one call; what is read goes into a prompt, as it is meant to."""
    value = await caller.step(do, getattr(speaker, do))
    line = caller.lines[-1]
    if do in {"read", "hybrid"} and "error" not in line:
        line["prompt"] = speaker.prompt(value)


async def burst(speaker, mode, times):
    """Read many times at once: as tasks, or with a blocking client in threads."""
    callers = [Caller({}, {}) for _ in range(times)]
    if mode == "async":
        await asyncio.gather(*(call(caller, speaker, "read") for caller in callers))
    else:
        with ThreadPoolExecutor(times) as threads:
            list(threads.map(lambda caller: asyncio.run(call(caller, speaker, "read")), callers))
    return [caller.lines[0] for caller in callers]


async def main():
    """Obey until the input ends."""
    warnings.simplefilter("ignore")
    logger = logging.getLogger("httpx")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(Answered())
    worker = Worker(sys.argv[1])
    while line := await asyncio.to_thread(sys.stdin.readline):
        done = await worker.obey(json.loads(line))
        sys.stdout.write(json.dumps(done) + "\n")
        sys.stdout.flush()


asyncio.run(main())
