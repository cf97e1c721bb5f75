"""Actors as processes: calls go to the standard input as pickles, answers come from the standard output."""

import asyncio
import concurrent.futures
import contextlib
import os
import pickle
import subprocess
import sys
import threading

from ray.exceptions import ActorDiedError


class Reference:
    """What a call gives: it can be awaited."""

    def __init__(self, future):
        self._future = future

    def __await__(self):
        return asyncio.wrap_future(self._future).__await__()

    def future(self):
        return self._future


class Actors:
    def __init__(self, nodes, gpus):
        self.nodes = nodes
        self.gpus = gpus
        self._lock = threading.Lock()
        self._taken = {}
        self._waiting = []

    def free(self):
        return (self.nodes - len(self._taken)) * self.gpus

    def start(self, shell, gpus):
        actor = Actor(shell, gpus, self)
        with self._lock:
            self._waiting.append(actor)
        self.place()
        return actor

    def place(self):
        with self._lock:
            free = [node for node in range(self.nodes) if node not in self._taken]
            for node in free[: len(self._waiting)]:
                actor = self._waiting.pop(0)
                self._taken[node] = actor
                actor.begin(node)

    def forget(self, actor):
        with self._lock:
            self._waiting = [each for each in self._waiting if each is not actor]
            self._taken = {node: each for node, each in self._taken.items() if each is not actor}
        self.place()

    def end(self):
        for actor in [*self._waiting, *self._taken.values()]:
            actor.kill()


class Actor:
    def __init__(self, shell, gpus, actors):
        self._shell = shell
        self._gpus = gpus
        self._actors = actors
        self._process = None
        self._queued = []
        self._futures = {}
        self._is_dead = False

    def __getattr__(self, method):
        return _Method(self, method)

    def begin(self, node):
        path = os.path.abspath(sys.modules["__main__"].__file__)
        self._process = subprocess.Popen(
            [sys.executable, os.path.join(os.path.dirname(__file__), "actor_process.py"), path, self._shell.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "FAKE_RAY_NODE": str(node), "CUDA_VISIBLE_DEVICES": self._devices(node)},
        )
        threading.Thread(target=self._read, daemon=True).start()
        for call in self._queued:
            self._send(call)

    def _devices(self, node):
        first = node * self._actors.gpus
        return ",".join(str(device) for device in range(first, first + self._gpus))

    def call(self, method, arguments):
        future = concurrent.futures.Future()
        key = len(self._futures)
        self._futures[key] = future
        if self._is_dead:
            future.set_exception(died())
        elif self._process is None:
            self._queued.append((key, method, arguments))
        else:
            self._send((key, method, arguments))
        return Reference(future)

    def kill(self):
        if self._process is None:
            self._end()
        else:
            self._process.kill()

    def _send(self, call):
        try:
            pickle.dump(call, self._process.stdin)
            self._process.stdin.flush()
        except OSError:
            pass  # the reader tells of its end

    def _read(self):
        try:
            while True:
                key, value, error = pickle.load(self._process.stdout)
                with contextlib.suppress(concurrent.futures.InvalidStateError):  # nobody waits for it any more
                    future = self._futures[key]
                    future.set_exception(error) if error else future.set_result(value)
        except EOFError:
            self._process.wait()
            self._end()

    def _end(self):
        self._is_dead = True
        for future in list(self._futures.values()):
            if not future.done():
                future.set_exception(died())
        self._actors.forget(self)


class _Method:
    def __init__(self, actor, name):
        self._actor = actor
        self._name = name

    def remote(self, *arguments):
        return self._actor.call(self._name, arguments)


def died():
    return ActorDiedError("The actor died unexpectedly before finishing this task.")
