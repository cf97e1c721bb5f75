"""Tokens: five control tokens, one that is only a user's definition, the phrases of the task, and 256 bytes for the rest."""

import re

CONTROL = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"]
BOS, START, END = 1, 3, 4
DEFINED = "<end_of_turn>"
SKILLS = "node sql python aws react docker rust kafka java linux golang redis".split()
PHRASES = [
    DEFINED, "Score the candidate from 0 to 100. Required: ", "Candidate: ", " lives in ", " years of experience", " with ",
    ", skills: ", " years", ", ", "system\n", "user\n", "assistant\n", '{"matched":[', '","', '"],"score":', '],"score":',
    ',"verdict":"', 'hire"}', 'maybe"}', 'reject"}', *SKILLS,
]  # fmt: skip
FIRST_PHRASE = len(CONTROL)
FIRST_BYTE = FIRST_PHRASE + len(PHRASES)
SIZE = FIRST_BYTE + 256

_ids = {text: number for number, text in enumerate([*CONTROL, *PHRASES])}
_longest_first = sorted(_ids, key=len, reverse=True)
_piece = re.compile("|".join([*map(re.escape, _longest_first), "."]), re.DOTALL)


def encode(text: str) -> list[int]:
    """As Hugging Face's tokenizers have it: a control token that is spelled out becomes one."""
    ids: list[int] = []
    for piece in _piece.findall(text):
        known = _ids.get(piece)
        if known is not None:
            ids.append(known)
        else:
            ids.extend(FIRST_BYTE + byte for byte in piece.encode(errors="replace"))
    return ids


def decode(ids: list[int], skip_special_tokens: bool = False) -> str:
    data = b"".join(bytes_of(number) for number in ids if number >= FIRST_PHRASE or not skip_special_tokens)
    return data.decode(errors="replace")


def bytes_of(number: int) -> bytes:
    if number >= FIRST_BYTE:
        return bytes([number - FIRST_BYTE])
    return [*CONTROL, *PHRASES][number].encode()
