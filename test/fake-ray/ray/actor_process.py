"""The process of an actor: it ends with its driver, whose death closes its standard input. `FAKE_RAY_CLOCK` is a file: its clock is ahead by as
many seconds as stand there."""

import asyncio
import importlib.util
import os
import pickle
import sys
import threading
import time


def main():
    sys.path.remove(os.path.dirname(os.path.abspath(__file__)))
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if clock := os.environ.get("FAKE_RAY_CLOCK"):
        put_ahead(clock)
    spec = importlib.util.spec_from_file_location("driver", sys.argv[1])
    driver = importlib.util.module_from_spec(spec)
    sys.modules["driver"] = driver
    spec.loader.exec_module(driver)
    asyncio.run(serve(getattr(driver, sys.argv[2])(), output))


def put_ahead(clock):
    monotonic = time.monotonic

    def ahead():
        with open(clock) as file:
            return monotonic() + float(file.read())

    time.monotonic = ahead


async def serve(shell, output):
    loop = asyncio.get_running_loop()
    calls = asyncio.Queue()
    threading.Thread(target=read, args=(loop, calls), daemon=True).start()
    while True:
        key, method, arguments = await calls.get()
        asyncio.create_task(answer(shell, output, key, getattr(shell, method)(*arguments)))


async def answer(shell, output, key, call):
    try:
        result = (key, await call, None)
    except Exception as error:
        result = (key, None, error)
    pickle.dump(result, output)
    output.flush()


def read(loop, calls):
    try:
        while True:
            call = pickle.load(sys.stdin.buffer)
            loop.call_soon_threadsafe(calls.put_nowait, call)
    except EOFError:
        os._exit(1)


main()
