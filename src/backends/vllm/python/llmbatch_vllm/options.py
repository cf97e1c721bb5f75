"""`--option key=value`, as vLLM's own command line takes it."""

import dataclasses
import difflib
import json
from typing import Any

from llmbatch_vllm.refusal import Refusal


def engine_arguments(settings: dict[str, Any], model: str) -> Any:
    from vllm.engine.arg_utils import EngineArgs

    options = dict(settings["options"])
    if settings["maxNumSeqs"] is not None:
        options["max_num_seqs"] = settings["maxNumSeqs"]
    known = sorted(field.name for field in dataclasses.fields(EngineArgs))
    check_names(options, known)
    if "max_model_len" not in options and fits_window():
        # The window is as large as the memory allows: the model's own often does not fit a small GPU.
        options["max_model_len"] = -1
    parsed = parse({"model": model, **options})
    # Stats are kept on: without them no times come with an answer.
    parsed.disable_log_stats = False
    return EngineArgs.from_cli_args(parsed)


def check_names(options: dict[str, Any], known: list[str]) -> None:
    for name in options:
        if name in ("model", "disable_log_stats"):
            raise Refusal("usage", f"--option {name} is llmbatch's own to set.", "The model is named with -m.")
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]}?" if near else "Its options are those of: vllm serve --help=all, with _ for -."
            raise Refusal("usage", f'vllm has no option "{name}".', hint)


def fits_window() -> bool:
    """Since 0.14 the engine can choose the window by what the KV cache holds."""
    from vllm.v1.core import kv_cache_utils

    return hasattr(kv_cache_utils, "_auto_fit_max_model_len")


def parse(options: dict[str, Any]) -> Any:
    from vllm.engine.arg_utils import EngineArgs

    try:
        from vllm.utils.argparse_utils import FlexibleArgumentParser
    except ImportError:  # 0.11
        from vllm.utils import FlexibleArgumentParser

    class Parser(FlexibleArgumentParser):
        def error(self, message: str) -> Any:
            raise Refusal("usage", f"vLLM does not take the options: {message}.")

    parser = EngineArgs.add_cli_args(Parser(prog="vllm"))
    arguments = []
    for name, value in options.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            arguments.append(flag if value else flag.replace("--", "--no-", 1))
        else:
            arguments.append(f"{flag}={value if isinstance(value, str) else json.dumps(value)}")
    return parser.parse_args(arguments)
