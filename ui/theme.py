"""Colours and fonts: paper and blue ink by day, a dark desk by night. Every text pair meets WCAG AA.

The pages' own CSS uses these through Gradio's variables (`--body-text-color` and so on), so that a
colour is written down once, here.
"""

import gradio as gr

# Fonts that every system has: nothing to download, from us or from anyone else.
SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "SF Mono", "Consolas", "monospace")


def theme() -> gr.themes.Base:
    return gr.themes.Base(primary_hue="blue", neutral_hue="stone", font=SANS, font_mono=MONO).set(
        body_background_fill="#f6f4ee",
        body_background_fill_dark="#14161b",
        body_text_color="#1c1f26",
        body_text_color_dark="#eceef2",
        body_text_color_subdued="#585e6b",
        body_text_color_subdued_dark="#a6adba",
        block_background_fill="#ffffff",
        block_background_fill_dark="#1d2027",
        border_color_primary="#d8d4c9",
        border_color_primary_dark="#3a404c",
        background_fill_secondary="#ebe8df",
        background_fill_secondary_dark="#2a2e37",
        link_text_color="#1f4fd8",  # the blue ink: strokes, the answer, its bar
        link_text_color_dark="#8fb0ff",
        error_text_color="#b3480f",  # what is wrong, and a second curve beside the blue one
        error_text_color_dark="#f0a060",
        border_color_accent="#7686b8",  # the other bars
        border_color_accent_dark="#6f82b5",
    )
