"""What `llmbatch run` is compared with: the same requests through vLLM's own ways. Prints one JSON object on the last line.

    vllm-baselines.py whole|chunked|chat|async INPUT OUTPUT MODEL '{"max_model_len": 1024, ...}'

whole: `LLM.generate` on the list; chunked: the same on 512 at a time; chat: `LLM.chat` on the list; async: `AsyncLLM`, 128 in flight.
Each reads the lines, renders the chats, and writes an output; the clock starts when the model is loaded.
"""

import asyncio
import json
import sys
import time

IN_FLIGHT = 128
CHUNK = 512


def main() -> None:
    way, source, target, model, options = sys.argv[1:6]
    options = {"model": model, **json.loads(options)}
    started = time.perf_counter()
    run = {"whole": whole, "chunked": whole, "chat": chat, "async": with_async}[way]
    with open(target, "w", encoding="utf-8") as output:
        count, loaded = run(options, source, output, CHUNK if way == "chunked" else None)
    ended = time.perf_counter()
    print(json.dumps({"requests": count, "rate": count / (ended - loaded), "load_s": loaded - started}))


def read(source: str) -> list[dict]:
    with open(source, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def render(tokenizer, request: dict) -> str:
    return tokenizer.apply_chat_template(request["body"]["messages"], tokenize=False, add_generation_prompt=True)


def limit(request: dict) -> int:
    return request["body"]["max_tokens"]


def write(output, request: dict, answer) -> None:
    choice = {"message": {"role": "assistant", "content": answer.text}, "finish_reason": answer.finish_reason}
    usage = {"completion_tokens": len(answer.token_ids)}
    response = {"status_code": 200, "body": {"choices": [choice], "usage": usage}}
    output.write(json.dumps({"custom_id": request["custom_id"], "response": response, "error": None}) + "\n")


def whole(options: dict, source: str, output, chunk: int | None) -> tuple[int, float]:
    from vllm import LLM, SamplingParams

    llm = LLM(**options)
    loaded = time.perf_counter()
    requests = read(source)
    size = chunk or len(requests)
    for start in range(0, len(requests), size):
        part = requests[start : start + size]
        prompts = [render(llm.get_tokenizer(), request) for request in part]
        params = [SamplingParams(temperature=0, max_tokens=limit(request)) for request in part]
        outputs = llm.generate(prompts, params, use_tqdm=False)
        for request, result in zip(part, outputs, strict=True):
            write(output, request, result.outputs[0])
        output.flush()
    return len(requests), loaded


def chat(options: dict, source: str, output, _chunk: None) -> tuple[int, float]:
    from vllm import LLM, SamplingParams

    llm = LLM(**options)
    loaded = time.perf_counter()
    requests = read(source)
    params = [SamplingParams(temperature=0, max_tokens=limit(request)) for request in requests]
    results = llm.chat([request["body"]["messages"] for request in requests], params, use_tqdm=False)
    for request, result in zip(requests, results, strict=True):
        write(output, request, result.outputs[0])
    output.flush()
    return len(requests), loaded


def with_async(options: dict, source: str, output, _chunk: None) -> tuple[int, float]:
    from vllm import AsyncEngineArgs, SamplingParams
    from vllm.sampling_params import RequestOutputKind
    from vllm.usage.usage_lib import UsageContext
    from vllm.v1.engine.async_llm import AsyncLLM

    async def run() -> tuple[int, float]:
        engine = AsyncLLM.from_engine_args(AsyncEngineArgs(**options), usage_context=UsageContext.LLM_CLASS)
        tokenizer = engine.get_tokenizer()
        await engine.is_sleeping()
        loaded = time.perf_counter()
        requests = read(source)
        free = asyncio.Semaphore(IN_FLIGHT)

        async def one(number: int, request: dict) -> None:
            params = SamplingParams(temperature=0, max_tokens=limit(request), output_kind=RequestOutputKind.FINAL_ONLY)
            async with free:
                async for result in engine.generate(render(tokenizer, request), params, request_id=str(number)):
                    write(output, request, result.outputs[0])

        await asyncio.gather(*(one(number, request) for number, request in enumerate(requests)))
        ended = time.perf_counter()
        engine.shutdown()
        # The end of the engine is no part of the rate.
        return len(requests), loaded + time.perf_counter() - ended

    return asyncio.run(run())


if __name__ == "__main__":
    main()
