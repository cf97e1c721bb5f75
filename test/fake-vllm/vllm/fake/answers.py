"""What the model says. A candidate gets the true answer, everything else is echoed."""

import json
import os
import random
import re
from typing import Any

from vllm.fake.prompt import Prompt
from vllm.fake.vocabulary import SKILLS


def answer_to(prompt: Prompt, params: Any, adapter: str | None) -> str:
    text = plain_answer(prompt, prompt.question())
    if params.structured_outputs is not None:
        text = constrained(params.structured_outputs, text)
    if adapter is not None:
        text = f"{adapter}: {text}"
    if params.temperature > 0 and params.seed is not None:
        text = f"{text} {random.Random(params.seed).randrange(10**6)}"
    return text.removeprefix(prompt.begun) if prompt.begun else text


def plain_answer(prompt: Prompt, question: str) -> str:
    if question == "Show the prompt.":
        return prompt.shown()
    if question == "Show the engine.":
        return json.dumps({"pid": os.getpid(), "gpus": os.environ.get("CUDA_VISIBLE_DEVICES")})
    rubric = "Required: none" if prompt.is_cut else (prompt.last("system") if prompt.turns else question)
    return score(rubric or "", question) or question


def score(rubric: str, question: str) -> str | None:
    required = re.search(r"Required: ((?:\w+)(?:, \w+)*)", rubric)
    years = re.search(r"(\d+) years", question)
    if required is None or years is None:
        return None
    words = set(re.findall(r"[a-z]+", question.rpartition("Candidate: ")[2]))
    matched = [skill for skill in required.group(1).split(", ") if skill in SKILLS and skill in words]
    points = 20 * len(matched) + 4 * min(int(years.group(1)), 10)
    verdict = "hire" if points >= 70 else "maybe" if points >= 40 else "reject"
    return json.dumps({"matched": matched, "score": points, "verdict": verdict}, separators=(",", ":"))


def constrained(form: Any, text: str) -> str:
    if form.choice is not None:
        return next((choice for choice in form.choice if choice in text), form.choice[0])
    if form.regex is not None:
        return text if re.fullmatch(form.regex, text) else repeated(form.regex)
    if form.json is not None:
        return of_schema(json.loads(form.json) if isinstance(form.json, str) else form.json, text)
    return text if is_json(text) else json.dumps({"answer": text})


def repeated(regex: str) -> str:
    """One letter so many times: `a{60}`."""
    found = re.fullmatch(r"(.)\{(\d+)\}", regex)
    return found.group(1) * int(found.group(2)) if found else ""


def of_schema(schema: dict[str, Any], text: str) -> str:
    if schema.get("type") == "array":
        values = schema["items"]["enum"]
        return json.dumps([values[index % len(values)] for index in range(schema.get("minItems", 1))])
    if is_json(text):
        return text
    return json.dumps({name: text for name in schema.get("properties", {"answer": None})})


def is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
