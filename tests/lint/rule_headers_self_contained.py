"""A header that compiles alone can be included first, anywhere."""
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

SUMMARY = "every header compiles by itself"
PACKAGES = ["libh2o-evloop", "jansson", "libprotobuf-c", "libcurl", "sqlite3", "yaml-0.1", "cmocka"]


def compile_flags():
    asked = subprocess.run(["pkg-config", "--cflags", *PACKAGES], capture_output=True, text=True, check=False)
    return ["-std=c11", "-D_GNU_SOURCE", "-DH2O_USE_LIBUV=0", *asked.stdout.split()]


def generate(tree, folder):
    """Writes the .pb-c.h files, which builds generate, where a fresh checkout has none."""
    protos = tree.matching(".proto", under=("tempo",))
    if protos:
        subprocess.run(["protoc-c", f"--proto_path={tree.root}", f"--c_out={folder}", *protos], cwd=tree.root, check=True)


def check_header(tree, flags, header):
    """None, or the first error of a file that holds nothing but this include."""
    command = ["cc", "-fsyntax-only", *flags, "-I", tree.root, "-x", "c", "-"]
    done = subprocess.run(command, input=f'#include "{header}"\nint bt_lint_only;\n', capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    first = next((line for line in done.stderr.split("\n") if "error" in line), done.stderr.strip()[:200])
    return f"{header}:1: does not compile alone: {first}"


def findings(tree):
    headers = tree.matching(".h", under=("dsl", "tempo", "server", "tests"))
    with tempfile.TemporaryDirectory() as generated, ThreadPoolExecutor(2) as pool:
        generate(tree, generated)
        flags = [*compile_flags(), f"-I{generated}"]
        yield from filter(None, pool.map(lambda header: check_header(tree, flags, header), headers))


BAD = [{"dsl/a.h": "size_t f(void);\n"}, {"dsl/a.h": "struct b f(void);\nint g(struct c *);\nunknown h(void);\n"}]
GOOD = [{"dsl/a.h": "#include <stddef.h>\nsize_t f(void);\n"}]
