"""A prompt read back from its tokens. Only control tokens are structure, whatever a text spells out."""

from dataclasses import dataclass

from vllm.fake.vocabulary import BOS, DEFINED, END, FIRST_PHRASE, START, decode


@dataclass
class Prompt:
    tokens: list[int]
    """Role and content of each turn; none where it is no chat."""
    turns: list[tuple[str, str]]
    """What is given of the answer."""
    begun: str
    """Its front is missing."""
    is_cut: bool

    def last(self, role: str) -> str | None:
        return next((content for name, content in reversed(self.turns) if name == role), None)

    def question(self) -> str:
        return ((self.last("user") if self.turns else self.text()) or "").removesuffix(DEFINED)

    def shown(self) -> str:
        """With its control tokens told from text."""
        text, rest = "", []
        for number in self.tokens:
            if number <= FIRST_PHRASE:
                text += f"{decode(rest)}[{decode([number])}]"
                rest = []
            else:
                rest.append(number)
        return text + decode(rest)

    def text(self) -> str:
        return decode(self.tokens, skip_special_tokens=True)


def read_prompt(tokens: list[int]) -> Prompt:
    before, *pieces = split(tokens, START)
    turns, begun = [], ""
    for piece in pieces:
        said, *rest = split(piece, END)
        role, _, content = decode(said).partition("\n")
        if rest:
            turns.append((role, content))
        else:
            begun = content
    is_chat = bool(pieces) or END in tokens
    return Prompt(tokens, turns, begun, is_chat and any(token != BOS for token in before))


def split(tokens: list[int], mark: int) -> list[list[int]]:
    pieces: list[list[int]] = [[]]
    for token in tokens:
        if token == mark:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return pieces
