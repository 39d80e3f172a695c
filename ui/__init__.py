"""The web page, on Gradio: layout and events, no arithmetic and no file formats. Start with `page.py`."""
