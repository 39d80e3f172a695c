"""What a stranger wrote, a file's name or an error about it, made fit to be shown: short, and on one line."""

LONGEST = 300  # characters


def one_line(text: object, longest: int = LONGEST) -> str:
    r"""str(text) with no more than `longest` characters, none of which moves a cursor or changes a colour.

    Everything that cannot be printed, line breaks and escape sequences of terminals among it, is written as
    Python would (\x1b); of what is too long, the middle is left out.
    """
    text = str(text)
    if len(text) > longest:
        text = f"{text[: longest - longest // 4 - 3]}...{text[-(longest // 4) :]}"
    line = "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
    return line if len(line) <= longest else f"{line[: longest - 3]}..."
