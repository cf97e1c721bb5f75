"""The part of Ray that llmbatch's driver uses, on one machine, for tests without Ray. Each actor is a process of its own, on one of as many
nodes as `FAKE_RAY_NODES` says, each with `FAKE_RAY_GPUS`, by default one; an actor for which no node is free waits. `FAKE_RAY_VERSION` is the version,
`FAKE_RAY_FAULT` what `init` fails with, `FAKE_RAY_LOST` a file: where it is there, there is no cluster."""

import os

if os.environ.get("FAKE_RAY_ABSENT"):
    raise ImportError("no ray")


from ray import exceptions, util  # noqa: F401
from ray.actors import Actors, Reference

__version__ = os.environ.get("FAKE_RAY_VERSION", "2.60.0")
_actors = Actors(int(os.environ.get("FAKE_RAY_NODES", "2")), int(os.environ.get("FAKE_RAY_GPUS", "1")))


def init(address, **_others):
    fault = os.environ.get("FAKE_RAY_FAULT", "")
    if os.path.exists(os.environ.get("FAKE_RAY_LOST", "")):
        fault = "Could not find any running Ray instance"
    if fault:
        raise (ConnectionError if fault.startswith(("Could not find", "Failed to connect")) else RuntimeError)(fault)
    print(f"Connected to the fake Ray cluster at {address}.")


def shutdown():
    _actors.end()


def nodes():
    return [{"Alive": True, "Resources": {"GPU": float(_actors.gpus)}} for _ in range(_actors.nodes)]


def available_resources():
    return {"GPU": float(_actors.free())}


def put(value):
    return value


def remote(**_options):
    return lambda shell: _Class(shell)


def kill(actor):
    actor.kill()


class _Class:
    def __init__(self, shell, gpus=1):
        self._shell = shell
        self._gpus = gpus

    def options(self, num_gpus):
        return _Class(self._shell, num_gpus)

    def remote(self):
        return _actors.start(self._shell, self._gpus)
