"""The tree-sitter grammar of distribution/editors/, built by the C compiler from its committed parser: no tool of tree-sitter is needed."""
import ctypes
import os
import pathlib
import subprocess
import tempfile

GRAMMAR = pathlib.Path(__file__).resolve().parents[2] / "distribution/editors/tree-sitter-betrace"


def load():
    """tree_sitter.Language of the grammar."""
    import tree_sitter
    with tempfile.TemporaryDirectory(prefix="betrace-grammar-") as folder:
        library = os.path.join(folder, "betrace.so")
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-std=c11", "-I", GRAMMAR / "src", GRAMMAR / "src/parser.c", GRAMMAR / "src/scanner.c",
                        "-o", library], check=True)
        function = ctypes.CDLL(library).tree_sitter_betrace
    function.restype = ctypes.c_void_p
    capsule = ctypes.pythonapi.PyCapsule_New
    capsule.restype, capsule.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    return tree_sitter.Language(capsule(function(), b"tree_sitter.Language", None))
