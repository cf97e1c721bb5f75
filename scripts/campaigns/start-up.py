"""What `llmbatch --help` costs over a bare `node -e 0`, in CPU time (user + system), which is steadier than the clock.

python3 scripts/campaigns/start-up.py [rounds]    (Node has no way to ask what a child process cost)
"""
import json
import pathlib
import resource
import statistics
import subprocess
import sys

BIN = str(pathlib.Path(__file__).parents[2] / "bin" / "llmbatch.js")
CASES = {"node -e 0": ["-e", "0"], "--help": [BIN, "--help"], "run --help": [BIN, "run", "--help"]}


def cpu_ms(args):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["node", *args], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


times = {name: [] for name in CASES}
for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 20):
    for name, args in CASES.items():
        times[name].append(cpu_ms(args))
medians = {name: round(statistics.median(values)) for name, values in times.items()}
print(json.dumps({"cpu_ms": medians, "help_over_bare_node_ms": medians["--help"] - medians["node -e 0"]}))
