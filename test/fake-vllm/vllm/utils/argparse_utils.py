from argparse import ArgumentParser


class FlexibleArgumentParser(ArgumentParser):
    """The real one takes underscores for dashes, too."""

    def parse_args(self, args: list[str] | None = None, namespace: object = None):  # type: ignore[override]
        flags = [flag.partition("=") for flag in args or []]
        return super().parse_args([name.replace("_", "-") + equals + value for name, equals, value in flags], namespace)
