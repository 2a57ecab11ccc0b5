"""Programs of Debian packages without installing these, where an installation would start a service: the package is unpacked into the cache folder once."""
import os
import pathlib
import shutil
import subprocess
import tempfile


def cache():
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "betrace" / "debian"


def _unpack(package, programs, folder):
    with tempfile.TemporaryDirectory(prefix="betrace-debian-") as work:
        os.chmod(work, 0o777)  # apt drops its rights for downloads, and then has to be able to write here
        subprocess.run(["apt-get", "download", "-qq", package], cwd=work, check=True, capture_output=True)
        archive = next(pathlib.Path(work).glob(f"{package}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", str(archive), f"{work}/root"], check=True, capture_output=True)
        unfinished = pathlib.Path(tempfile.mkdtemp(dir=folder.parent))
        for program in programs:
            shutil.copy2(f"{work}/root/{program}", unfinished / os.path.basename(program))
        try:
            unfinished.rename(folder)
        except OSError:  # another run was first
            shutil.rmtree(unfinished)


def programs_of(package, *programs):
    """The folder that holds these programs (paths in the package without the first slash). OSError says why they cannot be had."""
    folder = cache() / package
    if not all((folder / os.path.basename(program)).exists() for program in programs):
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            _unpack(package, programs, folder)
        except (OSError, subprocess.CalledProcessError, StopIteration) as error:
            detail = (getattr(error, "stderr", b"") or b"").decode(errors="replace").strip()
            raise OSError(f"Debian's package {package} cannot be had: {error}; {detail}; run apt-get update") from error
    return folder
