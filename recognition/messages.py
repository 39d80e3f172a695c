"""Untrusted text, such as a file's name or an error about it, made safe to print: short, and on one line."""

LONGEST = 300  # characters


def one_line(text: object, longest: int = LONGEST) -> str:
    r"""str(text) with no more than `longest` characters, none of which moves a cursor or changes a colour.

    Unprintable characters, including line breaks and terminal escapes, are written as Python writes them
    (\x1b). If the text is too long, its middle is left out.
    """
    text = str(text)
    if len(text) > longest:
        text = f"{text[: longest - longest // 4 - 3]}...{text[-(longest // 4) :]}"
    line = "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
    return line if len(line) <= longest else f"{line[: longest - 3]}..."
