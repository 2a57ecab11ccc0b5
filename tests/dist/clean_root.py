"""A minimal Debian in a folder, to install things into and to run them there: what the full tests of tests/dist stand on. Needs root."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from python_packages import cache_folder  # noqa: E402

EXIT_SKIPPED = 77

# In a mount namespace of its own: the root bound read-only, one writable folder and /tmp on top, then the command as its user.
_READ_ONLY = r"""
set -eu
root=$1 writable=$2 user=$3; shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --bind "$writable" "$root/var/lib/betrace"
mount -t tmpfs -o size=64m,mode=1777 tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
exec setpriv --no-new-privs --inh-caps=-all chroot --userspec="$user" "$root" "$@"
"""


def read_only_command(root, writable, user, *command):
    """The command line that runs a command in `root`, read-only but for `writable`, which shows as /var/lib/betrace. Its pid is the command's."""
    return ["unshare", "--mount", "sh", "-c", _READ_ONLY, "run", str(root), str(writable), user, *map(str, command)]


def require(*programs):
    """Ends the program as skipped where this cannot be done."""
    missing = [program for program in (*programs, "mmdebstrap", "unshare", "setpriv") if not shutil.which(program)]
    if os.geteuid() != 0 or missing:
        print(f"skipped: needs {'root' if os.geteuid() else ', '.join(missing)}")
        sys.exit(EXIT_SKIPPED)
    (ROOT / "build").mkdir(exist_ok=True)


def base_archive():
    """A tar of a minimal Debian, made once."""
    archive = cache_folder() / "bookworm-minbase.tar"
    if not archive.exists():
        archive.parent.mkdir(parents=True, exist_ok=True)
        unfinished = archive.with_suffix(f".{os.getpid()}.tar")
        subprocess.run(["mmdebstrap", "--variant=minbase", "bookworm", unfinished], check=True)
        unfinished.rename(archive)
    return archive


class CleanRoot:
    """A root of one's own below build/, unpacked; gone at the end."""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="root-", dir=ROOT / "build"))
        self.root = self.folder / "root"
        self.root.mkdir()
        subprocess.run(["tar", "-C", self.root, "--exclude=./dev/*", "-xf", base_archive()], check=True)
        for name in ("resolv.conf", "hosts"):
            shutil.copy(f"/etc/{name}", self.root / "etc" / name)
        subprocess.run(["mknod", "-m", "666", self.root / "dev/null", "c", "1", "3"], check=True)
        subprocess.run(["mknod", "-m", "666", self.root / "dev/urandom", "c", "1", "9"], check=True)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, command, check=True):
        """A shell command as root in there: (status, output)."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8",
                       **{name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}}
        done = subprocess.run(["chroot", self.root, "sh", "-c", command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if check and done.returncode:
            raise AssertionError(f"{command} ended with {done.returncode}\n{done.stdout[-6000:]}")
        return done.returncode, done.stdout
