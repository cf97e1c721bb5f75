"""A vLLM without torch: the names, errors and log lines of 0.32.0 that llmbatch's worker meets, over the tiny-scorer's truth.

fake/ holds what is made up; every other module stands at the place of the real one. fake/settings.py lists the variables
that tests steer it by.
"""

from vllm.fake import noise
from vllm.fake.settings import fault

__version__ = "0.32.0"

noise.print_everywhere("import of vllm")
if fault("import-error") is not None:
    raise ImportError("libcudart.so.12: cannot open shared object file: No such file or directory")
