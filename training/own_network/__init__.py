"""A network of one's own: blocks.py is what it is built of, draft.py what fits, python_text.py its Python."""
