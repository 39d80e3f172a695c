"""Digits from Scratch: `python app.py` serves the page; a Hugging Face Space runs the same file.

Address and port come from Gradio's own GRADIO_SERVER_NAME and GRADIO_SERVER_PORT.
"""

from ink import Reader
from ui.page import LAUNCH, build_page

demo = build_page(Reader())

if __name__ == "__main__":
    demo.launch(**LAUNCH)
