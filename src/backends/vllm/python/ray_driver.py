"""The driver of llmbatch's workers on a Ray cluster: it runs on a node of it, and relays lines.

Each line on its standard input, and on its stdout, begins with the number of a channel and a word:

    1 start {"gpus": 1, ...}     start a worker somewhere in the cluster
    1 line {"type": ...}         a line to the worker, or from it (../../subprocess/protocol.ts)
    1 end                        there are no more lines
    1 kill                       end the worker at once
    1 placed {"node": ...}       the cluster had room for it
    1 log INFO ...               the worker printed a line
    1 ended {"exitCode": 0}      the worker is gone

Channel 0 is the driver itself, which speaks the worker's protocol there: what it is ready with is the cluster.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

folder = Path(__file__).resolve().parent
sys.path.insert(0, str(folder))  # PYTHONSAFEPATH leaves it out
sys.dont_write_bytecode = True
from llmbatch_vllm import lifetime  # noqa: E402
from llmbatch_vllm.refusal import Refusal, sentence  # noqa: E402
from llmbatch_vllm.versions import numbers  # noqa: E402

PROTOCOL = 1
OLDEST_RAY = "2.40.0"
CONNECT_SECONDS = 5.0
# Takes of all actors together, and as many puts. Fewer calls carry more requests each.
CALLS_PER_SECOND = 1000.0
LONGEST_STOP_SECONDS = 3.0
LONGEST_TAKE_SECONDS = 5.0
# An actor whose driver asks nothing for so long is cut off from it, and gives its GPUs back.
LEASE_SECONDS = 30.0


class Shell:
    """The actor: it starts the worker as its child, with the GPUs that Ray gave it, and hands lines over."""

    async def start(self, sources: dict[str, str], python: str | None, variables: dict[str, dict[str, str]]) -> dict:
        self.remove_leftovers()
        self.folder = tempfile.TemporaryDirectory(prefix=f"llmbatch-{os.getpid()}-")
        for name, text in sources.items():
            file = Path(self.folder.name, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        # What a node has set itself wins over what the runner hands on.
        environment = {**variables["handed"], **os.environ, **variables["fixed"], "LLMBATCH_RUNNER_PID": str(os.getpid())}
        pipe = asyncio.subprocess.PIPE
        self.answers, self.log, self.ended, self.changed = bytearray(), bytearray(), None, asyncio.Event()
        command = [python or sys.executable, str(Path(self.folder.name, "worker.py"))]
        self.process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True
        )
        self.tasks = [asyncio.create_task(self.read(self.process.stdout, self.answers))]
        self.tasks.append(asyncio.create_task(self.read(self.process.stderr, self.log)))
        self.tasks.append(asyncio.create_task(self.watch()))
        self.tasks.append(asyncio.create_task(self.keep_lease()))
        return {"node": importlib.import_module("ray").util.get_node_ip_address()}

    def remove_leftovers(self) -> None:
        """Removes the programs that actors which were killed have left on this node."""
        for left in Path(tempfile.gettempdir()).glob("llmbatch-*-*"):
            pid = left.name.split("-")[1]
            if pid.isdigit() and not Path("/proc", pid).exists():
                shutil.rmtree(left, ignore_errors=True)

    async def read(self, pipe: asyncio.StreamReader, into: bytearray) -> None:
        while data := await pipe.read(1 << 18):
            into += data
            self.changed.set()

    async def watch(self) -> None:
        """Waits for the end of the worker; its own processes end with it, and its last lines are read."""
        code = await self.process.wait()
        self.end_group()
        await asyncio.wait(self.tasks[:2], timeout=1)
        self.ended = code
        self.changed.set()

    async def keep_lease(self) -> None:
        self.asked = time.monotonic()
        while time.monotonic() < self.asked + LEASE_SECONDS:
            await asyncio.sleep(1)
        await self.stop()

    async def put(self, lines: bytes) -> None:
        try:
            self.process.stdin.write(lines)
            await self.process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            pass  # `take` tells of its end

    async def take(self) -> tuple[bytes, bytes, int | None]:
        """The whole lines of answers and of the log that are there, and the exit code; waits for the first of them."""
        self.asked = time.monotonic()
        try:
            await asyncio.wait_for(self.changed.wait(), LONGEST_TAKE_SECONDS)
        except asyncio.TimeoutError:
            pass
        self.changed.clear()
        return self.cut(self.answers), self.cut(self.log), self.ended

    def cut(self, text: bytearray) -> bytes:
        end = len(text) if self.ended is not None else text.rfind(b"\n") + 1
        whole = bytes(text[:end])
        del text[:end]
        return whole

    async def end(self) -> None:
        self.process.stdin.close()

    async def stop(self) -> None:
        self.end_group()
        self.folder.cleanup()
        # Ray ends this process; where its head is lost, nobody does.
        asyncio.get_running_loop().call_later(1, os._exit, 1)

    def end_group(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Output:
    """The way to llmbatch: whole lines, each with its channel."""

    def __init__(self) -> None:
        # All that Ray prints goes to stderr: fd 1 is the protocol's, and only this duplicate of it.
        self.fd = os.dup(1)
        os.dup2(2, 1)
        sys.stdout = sys.stderr

    def tell(self, channel: int, word: str, value: Any) -> None:
        self.relay(channel, word, json.dumps(value, separators=(",", ":")).encode())

    def relay(self, channel: int, word: str, lines: bytes) -> None:
        if not lines:
            return
        prefix = f"{channel} {word} ".encode()
        # The lines are not looked into: one replacement prefixes them all.
        text = prefix + lines.removesuffix(b"\n").replace(b"\n", b"\n" + prefix) + b"\n"
        data = memoryview(text)
        while data:
            data = data[os.write(self.fd, data) :]


class Channel:
    """One worker in the cluster, from its start to its end."""

    def __init__(self, number: int, order: dict[str, Any], driver: Driver) -> None:
        self.number = number
        self.driver = driver
        self.lines: list[bytes] = []
        self.is_ended = False
        self.changed = asyncio.Event()
        self.feeding: asyncio.Task | None = None
        self.task = asyncio.create_task(self.run(order))

    def add(self, line: bytes) -> None:
        self.lines.append(line)
        self.changed.set()

    def end(self) -> None:
        self.is_ended = True
        self.changed.set()

    async def run(self, order: dict[str, Any]) -> None:
        output = self.driver.output
        actor = self.driver.shell.options(num_gpus=order["gpus"]).remote()
        ended: dict[str, Any] = {"cause": "was ended"}
        try:
            placed = await actor.start.remote(self.driver.sources, order["python"], order["variables"])
            output.tell(self.number, "placed", placed)
            self.feeding = asyncio.create_task(self.feed(actor))
            ended = {"exitCode": await self.drain(actor)}
        except Exception as error:
            ended = {"cause": f"was lost with its Ray actor: {reason_of(error)}"}
        finally:
            if self.feeding is not None:
                self.feeding.cancel()
            await self.stop(actor)
            del self.driver.channels[self.number]
            output.tell(self.number, "ended", ended)

    async def feed(self, actor: Any) -> None:
        """Hands on what came meanwhile as one group; one call at a time keeps their order."""
        while not self.is_ended or self.lines:
            await self.changed.wait()
            self.changed.clear()
            lines, self.lines = self.lines, []
            if lines:
                await actor.put.remote(b"".join(lines))
                await asyncio.sleep(self.driver.interval())
        await actor.end.remote()

    async def drain(self, actor: Any) -> int:
        """Takes what the worker says until it has ended; gives its exit code."""
        while True:
            began = time.monotonic()
            answers, log, ended = await actor.take.remote()
            self.driver.output.relay(self.number, "line", answers)
            self.driver.output.relay(self.number, "log", log)
            if ended is not None:
                return ended
            if self.feeding.done():
                self.feeding.result()  # lines that did not arrive are as bad as answers that don't
            await asyncio.sleep(began + self.driver.interval() - time.monotonic())

    async def stop(self, actor: Any) -> None:
        """Ends the actor, which gives its GPUs back; one that is gone, or hangs, can't end its worker any more."""
        ray = self.driver.ray
        try:
            await asyncio.wait_for(asyncio.wrap_future(actor.stop.remote().future()), LONGEST_STOP_SECONDS)
        except (ray.exceptions.RayError, asyncio.TimeoutError):
            pass
        ray.kill(actor)


def reason_of(error: Exception) -> str:
    """Ray tells much of the actor, and in one of the lines why it died; an error within it has a cause."""
    if type(error).__name__ == "ActorUnavailableError":
        return "it can't be reached"
    lines = str(getattr(error, "cause", None) or error).splitlines() or [type(error).__name__]
    return next((line.strip() for line in lines if "is dead because" in line), lines[0]).partition(". ")[0].rstrip(".")


class Driver:
    """Reads what llmbatch says, and has the channels."""

    def __init__(self, ray: Any, output: Output) -> None:
        self.ray = ray
        self.output = output
        self.channels: dict[int, Channel] = {}
        self.sources = ray.put(read_sources())
        # Never restarted by Ray: llmbatch has what the worker did not answer, and sends it again.
        self.shell = ray.remote(max_restarts=0, max_task_retries=0, max_concurrency=8, num_cpus=0)(Shell)

    def interval(self) -> float:
        """Seconds from one call to an actor to the next: many actors are asked less often, each for more."""
        return len(self.channels) / CALLS_PER_SECOND

    async def serve(self, data: bytes) -> None:
        """Obeys what was read already, and all that comes."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=1 << 20)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
        rest = b""
        while True:
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self.obey(line)
            data = await reader.read(1 << 18)
            if not data:
                return

    def obey(self, line: bytes) -> None:
        number, word, value = (*line.split(b" ", 2), b"")[:3]
        channel = self.channels.get(int(number))
        if word == b"start":
            self.channels[int(number)] = Channel(int(number), json.loads(value), self)
        elif channel is None:
            return
        elif word == b"line":
            channel.add(value + b"\n")
        elif word == b"end":
            channel.end()
        elif word == b"kill":
            channel.task.cancel()


def read_sources() -> dict[str, str]:
    """The worker's program: the nodes need nothing of ours."""
    files = [folder / "worker.py", *folder.glob("llmbatch_vllm/**/*.py")]
    return {str(file.relative_to(folder)): file.read_text() for file in files}


def import_ray() -> Any:
    try:
        ray = importlib.import_module("ray")
        found = ray.__version__
    except (ImportError, AttributeError):
        raise Refusal(
            "unusable",
            f"Ray is not installed for {sys.executable}.",
            f"{sys.executable} -m pip install 'ray>={OLDEST_RAY}', in the version of the cluster; or name another with --python.",
        ) from None
    if numbers(found) < numbers(OLDEST_RAY):
        raise Refusal("unusable", f"Ray {found} is too old: llmbatch wants {OLDEST_RAY} or newer, as the cluster too.")
    return ray


def connect(ray: Any, address: str) -> None:
    try:
        ray.init(address=address, log_to_driver=True, logging_level="INFO")
    except Exception as error:
        raise refusal_of(error, address) from error


def check_address(address: str) -> None:
    """Ray itself tries for a minute."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        why = sentence(getattr(error, "strerror", None) or error)
        hint = "Start one with: ray start --head; or name its head: --ray host:6379."
        raise Refusal("unusable", f"There is no Ray cluster at {address}: {why}", hint) from None


def refusal_of(error: Exception, address: str) -> Refusal:
    text = str(error)
    if "Version mismatch" in text:
        return Refusal("unusable", f"The Ray cluster is of another version: {sentence(error)}", "Take the cluster's own Python with --python.")
    if "Could not find any running Ray" in text:
        return Refusal("unusable", "There is no Ray cluster on this machine.", "Name its head: --ray host:6379; or start one: ray start --head.")
    # With auto it may be another cluster of this machine than is meant: Ray takes any.
    hint = "If it wants a token, set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN. Another cluster is named by its head: --ray host:port."
    return Refusal("unusable", f"The Ray cluster at {address} can't be used: {sentence(error)}", hint)


def describe(ray: Any) -> dict[str, Any]:
    """`RayCluster` of ../ray/ray-driver.ts."""
    nodes = [node["Resources"].get("GPU", 0) for node in ray.nodes() if node["Alive"]]
    return {
        "version": ray.__version__,
        "nodeGpus": nodes,
        "freeGpus": ray.available_resources().get("GPU", 0),
    }


def main() -> None:
    lifetime.die_with_parent()
    lifetime.die_with_runner()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output = Output()
    output.tell(0, "line", {"type": "hello", "protocol": PROTOCOL})
    line, rest = read_first_line()
    if not line:
        return
    try:
        address = json.loads(line.split(b" ", 2)[2])["settings"]["address"]
        if address != "auto":
            check_address(address)  # takes no time, as against the import
        ray = import_ray()
        connect(ray, address)
        # `ray job stop` sends it to this process too, while llmbatch still waits for what is in flight.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        driver = Driver(ray, output)
        output.tell(0, "line", {"type": "ready", "info": describe(ray)})
    except Refusal as refusal:
        output.tell(0, "line", {"type": "refused", "kind": refusal.kind, "message": refusal.message, "hint": refusal.hint})
        return
    asyncio.run(serve(driver, rest))
    ray.shutdown()


def read_first_line() -> tuple[bytes, bytes]:
    """The line, and what was read behind it."""
    text = b""
    while b"\n" not in text and (data := os.read(0, 1 << 16)):
        text += data
    line, _, rest = text.partition(b"\n")
    return line, rest


async def serve(driver: Driver, rest: bytes) -> None:
    await driver.serve(rest)
    for channel in list(driver.channels.values()):
        channel.task.cancel()


if __name__ == "__main__":
    main()
