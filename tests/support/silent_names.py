"""Programs for which the lookup of some names hangs (silent_names.c). Standard library and a C compiler."""
import os
import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).with_name("silent_names.c")
NAME = "silent.example"


class SilentNames:
    """In a folder of the test's. `environment`: for the program, in which NAME is looked up for ever."""

    def __init__(self, folder):
        library, self.asked = os.path.join(folder, "silent_names.so"), os.path.join(folder, "asked")
        subprocess.run([os.environ.get("CC", "cc"), "-D_GNU_SOURCE", "-std=c11", "-shared", "-fPIC", "-O1", "-o", library, str(SOURCE), "-ldl"], check=True, timeout=60)
        # A sanitizer's library would come first, and nothing of it is replaced here.
        options = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
        self.environment = {"LD_PRELOAD": library, "SILENT_NAMES": self.asked, "ASAN_OPTIONS": options}

    def are_asked(self):
        return os.path.exists(self.asked)

    def forget(self):
        """The next program's lookup is waited for anew."""
        if self.are_asked():
            os.remove(self.asked)
