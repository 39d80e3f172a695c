"""python -m jobs.drawing_worker DESCRIPTOR: the process that the readers of drawings are copies of.

It loads the networks once and forks, so that all readers share the memory of weights and libraries. On the
socket DESCRIPTOR it says b"r" when it is ready; for every socket that it is then sent it starts a reader that
serves it. A reader first sends its process id, u32, and then an answer for each drawing:

a drawing: the lengths of page, path and message, u16 u16 u32; the page, the path of the weights, the message
an answer: its outcome u8, an index of OUTCOMES; the length of the message u32, and the message

Readers end when their socket is closed, and this process when its own is; so none outlives the app.
"""

import contextlib
import gc
import os
import signal
import socket
import struct
import sys
from pathlib import Path

import cv2
from threadpoolctl import threadpool_limits

from jobs.drawing_reader import FAULTY, DrawingReader
from training.memory import return_freed_memory, share_freed_memory

OUTCOMES = ("", "read", "refused", "empty", FAULTY)
READY = b"r"
LONGEST = 60  # seconds for a drawing; the app gives it up sooner, unless the app is gone
PROCESS_ID = struct.Struct("<I")
REQUEST = struct.Struct("<HHI")
ANSWER = struct.Struct("<BI")


def serve(connection: socket.socket, reader: DrawingReader) -> None:
    """Answers the drawings on a socket until it is closed."""
    connection.sendall(PROCESS_ID.pack(os.getpid()))
    with connection.makefile("rb") as stream:
        while head := stream.read(REQUEST.size):
            page, weights, message = (stream.read(length) for length in REQUEST.unpack(head))
            signal.alarm(LONGEST)  # ends a reader that hangs, whatever it waits for
            outcome, answer = reader.answer(page.decode(), Path(os.fsdecode(weights)), message)
            signal.alarm(0)
            connection.sendall(ANSWER.pack(OUTCOMES.index(outcome), len(answer)) + answer)


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a reader that ended
    share_freed_memory()
    threadpool_limits(1, user_api="blas")
    cv2.setNumThreads(1)
    reader = DrawingReader()
    gc.collect()
    return_freed_memory()
    gc.freeze()  # or the collector would write to what is shared
    control.sendall(READY)
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            break
        if os.fork() == 0:
            control.close()
            with contextlib.suppress(OSError, struct.error):  # the app ended in the middle
                serve(socket.socket(fileno=descriptors[0]), reader)
            break
        os.close(descriptors[0])
    os._exit(0)


if __name__ == "__main__":
    main()
