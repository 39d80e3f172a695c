"""Digits from Scratch: `python app.py` serves the page; a Hugging Face Space runs the same file.

Address and port come from Gradio's own GRADIO_SERVER_NAME and GRADIO_SERVER_PORT.
"""

from threadpoolctl import threadpool_limits

from ink import Reader
from ink.reader import SHIPPED
from training.limits import Limits
from training.session import Workshop
from ui.page import LAUNCH, build_page

# Visitors are read at the same time, each on one core: BLAS threads would only get in their way.
threadpool_limits(1, user_api="blas")

readers = {name: Reader(weights) for name, weights in SHIPPED.items()}
demo = build_page(readers, Workshop(Limits.from_environment()))

if __name__ == "__main__":
    demo.launch(**LAUNCH)
