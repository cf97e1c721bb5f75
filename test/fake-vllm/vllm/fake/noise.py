"""Prints at every place where an engine may: what llmbatch reads must not be garbled by it."""

import os
import subprocess
import sys

from vllm.fake.settings import fault


def print_everywhere(where: str) -> None:
    if fault("noise") is None:
        return
    text = f'{{"type":"answer","id":1,"noise":"{where}"}}'
    print(text)
    print(text, file=sys.stderr)
    print(text, file=sys.__stdout__)
    os.write(1, f"{text}\n".encode())
    subprocess.run(["echo", text], check=True)
