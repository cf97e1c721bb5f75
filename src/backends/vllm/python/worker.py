"""The entry of llmbatch's vLLM worker; what it is told and what it says is in ../../subprocess/protocol.ts.

It must be a file with a guard: vLLM spawns its processes by importing it again, and then it only makes them mortal.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # PYTHONSAFEPATH leaves it out
if sys.version_info < (3, 10):  # the rest of this program is no program for it
    found = ".".join(str(number) for number in sys.version_info[:3])
    print('{"type":"hello","protocol":1}')
    print(
        '{"type":"refused","kind":"unusable","message":"Python %s is too old for vLLM, which wants 3.10 or newer.",'
        '"hint":"Name another with --python or LLMBATCH_PYTHON."}' % found
    )
    sys.exit(0)
# Nothing of ours is written into the folder of the package; what vLLM imports is as the user has it.
leaves_bytecode_out = sys.dont_write_bytecode
sys.dont_write_bytecode = True
from llmbatch_vllm import lifetime  # noqa: E402

if __name__ == "__main__":
    lifetime.die_with_parent()
    lifetime.die_with_runner()
    # All that an engine prints goes to stderr: fd 1 is the protocol's, and only this duplicate of it.
    answers_fd = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    from llmbatch_vllm import engine  # noqa: F401
    from llmbatch_vllm.session import run

    sys.dont_write_bytecode = leaves_bytecode_out
    run(answers_fd)
elif __name__ == "__mp_main__":
    sys.dont_write_bytecode = leaves_bytecode_out
    lifetime.die_with_parent()
