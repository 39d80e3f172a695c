"""What strangers wrote is repeated short and on one line."""

import pytest

from recognition.messages import LONGEST, one_line


@pytest.mark.parametrize("text", ["", "There is no digit.", "Ziffern – größer als 9: ½ 数字", "a" * LONGEST])
def test_a_sentence_stays_as_it_is(text):
    assert one_line(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("bell\a \x9b2J \u202egnp.exe \ud800", r"bell\x07 \x9b2J \u202egnp.exe \ud800"),
    ],
)
def test_what_would_move_a_cursor_or_turn_text_around_is_written_out(text, shown):
    assert one_line(text) == shown
    assert one_line(text).encode().decode() == shown


@pytest.mark.parametrize("text", ["a" * 1_000_000, "\x1b" * 1_000_000, "\x1b" * 299])
def test_a_long_text_is_cut_and_its_two_ends_are_shown(text):
    assert len(one_line(text)) <= LONGEST
    assert "..." in one_line(text)
    assert one_line("begin" + "-" * 1000 + "end").startswith("begin")
    assert one_line("begin" + "-" * 1000 + "end").endswith("end")
