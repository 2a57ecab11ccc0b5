"""Programs whose wall clock a test sets while they run (shifted_clock.c). Standard library and a C compiler."""
import mmap
import os
import pathlib
import struct
import subprocess

SOURCE = pathlib.Path(__file__).with_name("shifted_clock.c")


class ShiftedClock:
    """In a folder of the test's. `environment`: for the program. `set(seconds)` sets its clock so far ahead of the machine's, or behind it."""

    def __init__(self, folder):
        library, path = os.path.join(folder, "shifted_clock.so"), os.path.join(folder, "shift")
        subprocess.run([os.environ.get("CC", "cc"), "-D_GNU_SOURCE", "-std=c11", "-shared", "-fPIC", "-O1", "-o", library, str(SOURCE)], check=True, timeout=60)
        with open(path, "wb") as file:
            file.write(struct.pack("q", 0))
        with open(path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 8)
        # A sanitizer's library would come first, and nothing of it is replaced here.
        options = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
        self.environment = {"LD_PRELOAD": library, "SHIFTED_CLOCK": path, "ASAN_OPTIONS": options}

    def set(self, seconds):
        self.page[:8] = struct.pack("q", seconds)
