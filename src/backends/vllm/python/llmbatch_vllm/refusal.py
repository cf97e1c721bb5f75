"""The reasons for which a request, or the whole engine, is refused."""


class Refusal(Exception):
    """`kind` is one of llmbatch's kinds of error, or `usage` for a mistake in the command; `hint` the next thing to do."""

    def __init__(self, kind: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint


def sentence(error: BaseException | str, longest: int = 500) -> str:
    """The text of an error, with one full stop at its end."""
    text = " ".join(str(error).split())[:longest].rstrip(".")
    return f"{text or type(error).__name__}."
