"""The process of an actor: it ends with its driver, whose death closes its standard input."""

import asyncio
import importlib.util
import os
import pickle
import sys
import threading


def main():
    sys.path.remove(os.path.dirname(os.path.abspath(__file__)))
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    spec = importlib.util.spec_from_file_location("driver", sys.argv[1])
    driver = importlib.util.module_from_spec(spec)
    sys.modules["driver"] = driver
    spec.loader.exec_module(driver)
    asyncio.run(serve(getattr(driver, sys.argv[2])(), output))


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
