"""The greedy answers of a model to an input, by transformers in float32: what every engine should say where the model is sure.

    python scripts/campaigns/reference-answers.py MODEL_FOLDER INPUT.jsonl > reference.jsonl

One line a request: its id, the tokens of its prompt, the pieces of the answer's text by token (without the token that ends it), and
for each token, that one too, by how much its logit is above that of the second best. A prompt's beginning that is the same as that
of the prompt before is computed once.
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache


def main(folder: str, path: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    ends = model.generation_config.eos_token_id
    ends = set(ends if isinstance(ends, list) else [ends, tokenizer.eos_token_id])
    cache, known = DynamicCache(config=model.config), []
    with open(path, encoding="utf-8") as lines, torch.inference_mode():
        for line in lines:
            request = json.loads(line)
            body = request["body"]
            prompt = tokenizer.apply_chat_template(body["messages"], add_generation_prompt=True, return_dict=False)
            same = shared(known, prompt[:-1])
            cache.crop(same)
            known = list(prompt)
            fed, pieces, margins, text = prompt[same:], [], [], ""
            tokens: list[int] = []
            for _ in range(body["max_tokens"]):
                logits = model(torch.tensor([fed]), past_key_values=cache, use_cache=True).logits[0, -1]
                best = torch.topk(logits, 2)
                margins.append(round(float(best.values[0] - best.values[1]), 3))
                token = int(best.indices[0])
                if token in ends:
                    break
                tokens.append(token)
                whole = tokenizer.decode(tokens)
                pieces.append(whole[len(text) :])
                text = whole
                known.append(token)
                fed = [token]
            # The last token of the answer was never fed.
            known = known[: cache.get_seq_length()]
            row = {"custom_id": request["custom_id"], "prompt_tokens": len(prompt), "pieces": pieces, "margins": margins}
            print(json.dumps(row, ensure_ascii=False), flush=True)


def shared(left: list[int], right: list[int]) -> int:
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return index
    return min(len(left), len(right))


main(*sys.argv[1:])
