"""A network for other programs: ONNX for runtimes, safetensors for frameworks, C for microcontrollers.

    write_export(load_model("weights/digits.npz"), "onnx", Path("."), "digits", pictures)

All three are written with NumPy alone. The `onnx` package would bring protobuf and 36 MB for the 200 lines in
`protobuf.py` and `onnx.py`; it and ONNX Runtime judge these files in the tests, where they cannot be wrong in
the same way.
"""

from recognition.export.write import FORMATS, ExportError, write_export

__all__ = ["FORMATS", "ExportError", "write_export"]
