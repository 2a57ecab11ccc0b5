"""Which Tempos there are to test with: the programs that were found, and for each the layouts of blocks that it is run with. A pair is a variant.

    2.8, 2.10.8, 3.0.3, 3.1.0        the version, with the layout that it has by default: vParquet5 since 3.1
    2.10.8-dedicated, 3.0.3-dedicated    with columns of their own for keys that an operator chose (LAYOUTS)
    3.0.3-vparquet5, 3.1.0-vparquet5     vParquet5 with columns of each kind

Programs: the one that the tests build (tempo_binary.py, version 2.8), every path of BETRACE_TEMPOS (joined by `:`), and every program in the folder
`tempos` of the cache folder. Each is asked for its version. BETRACE_TEMPO_VARIANT says which variant a TempoServer is; without it, the program
that the tests build. A program that is not there is never a failure: the closing table of the check names those of MAIN_FAMILIES that were not found.

`python3 tests/tempo/variants.py` prints the variants that were found, one a line, with their programs.
"""
import functools
import os
import re
import subprocess
import sys
from dataclasses import dataclass

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from tempo_binary import NoTempo, cache_folder, tempo_binary  # noqa: E402  (the folder must be on the path first)

# The version of the module in server/, which a build by `go build` does not know of itself.
BUILT_VERSION = "2.8"
# The versions that answers are promised for. Their order is that of the tables.
MAIN_FAMILIES = ("2.8", "2.10", "3.0")
# What stands in the braces of `block: {…}` in a config, and the families that a check runs with it.
DEDICATED = ("parquet_dedicated_columns: [{name: amount.ded, type: string, scope: span}, {name: plain, type: string, scope: span}, "
             "{name: rplain, type: string, scope: resource}]")
# What is given takes the place of the layout's own columns, so those that tests/facts/filter_cells.py asks for stand here again.
VPARQUET5 = ("version: vParquet5, parquet_dedicated_columns: [{name: ev.ded, type: string, scope: event}, {name: http.method, type: string, scope: span}, "
             "{name: http.url, type: string, scope: span}, {name: http.status_code, type: int, scope: span}, {name: url.path, type: string, scope: span}, "
             "{name: server.port, type: int, scope: span}, {name: k8s.pod.name, type: string, scope: resource}]")
LAYOUTS = {
    "": ("", MAIN_FAMILIES),
    "dedicated": (DEDICATED, ("2.10", "3.0")),
    "vparquet5": (VPARQUET5, ("3.0", "3.1")),
}
# The program of server/ says its commit behind its version.
_COMMIT = re.compile(r"-[0-9a-f]{12}$")
_VERSION = re.compile(r"^tempo, version v?(\d+\.\d+(?:\.\d+)?\S*) ", re.M)


class NoVariant(NoTempo):
    """BETRACE_TEMPO_VARIANT names one that was not found; the text says which were."""


@dataclass(frozen=True)
class Variant:
    """One Tempo to test with. version: as the program says it; layout: a key of LAYOUTS."""
    version: str
    layout: str
    program: str

    @property
    def name(self):
        return f"{self.version}-{self.layout}" if self.layout else self.version

    @property
    def family(self):
        """The first two parts of the version, which behave alike: "2.10" of 2.10.8."""
        return ".".join(self.version.split(".")[:2])

    @property
    def major(self):
        return int(self.version.split(".")[0])

    @property
    def block_layout(self):
        """The layout that its blocks have: vParquet5 by default since 3.1."""
        return self.layout or ("vparquet5" if number_of(self.version)[:2] >= (3, 1) else "")

    @property
    def has_list_columns(self):
        """Whether columns hold lists."""
        return self.block_layout == "vparquet5"

    @property
    def block_settings(self):
        return LAYOUTS[self.layout][0]


@functools.lru_cache
def version_of(program):
    """What `-version` says. A program that says none is one that was built from the module in server/."""
    said = subprocess.run([program, "-version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False).stdout.decode("utf-8", "replace")
    if not said.startswith("tempo, version"):
        raise NoTempo(f"{program} -version: expected a line `tempo, version …`, got {said[:200]!r}; BETRACE_TEMPOS and the folder tempos are for programs of Tempo")
    found = _VERSION.search(said)
    is_of_module = not found or _COMMIT.search(found[1])
    return BUILT_VERSION if is_of_module else found[1]


def extra_programs():
    """The paths of BETRACE_TEMPOS and of the folder `tempos`, which need not exist."""
    named = [path for path in os.environ.get("BETRACE_TEMPOS", "").split(":") if path]
    for path in named:
        if not os.access(path, os.X_OK):
            raise NoTempo(f"BETRACE_TEMPOS names {path}, which is no program that can be run")
    folder = os.path.join(cache_folder(), "tempos")
    lying = sorted(os.path.join(folder, name) for name in os.listdir(folder)) if os.path.isdir(folder) else []
    return named + [path for path in lying if os.path.isfile(path) and os.access(path, os.X_OK)]


def number_of(version):
    return tuple(int(part) for part in re.findall(r"\d+", version))


def of_program(program):
    """The variants of one program, that of its default layout first. A family that is not known runs with that alone."""
    version = version_of(program)
    family = Variant(version, "", program).family
    return [Variant(version, layout, program) for layout, (_, families) in LAYOUTS.items() if family in families or not layout]


def of_programs(paths):
    """The variants of these programs, by version; of two programs of one version, those of the first."""
    programs = {}
    for program in paths:
        programs.setdefault(version_of(program), program)
    return [variant for version in sorted(programs, key=number_of) for variant in of_program(programs[version])]


def default():
    """What a test runs on that nobody told otherwise."""
    return of_program(tempo_binary())[0]


def default_version():
    """The same, known before it is built."""
    given = os.environ.get("BETRACE_TEMPO_BIN")
    return version_of(given) if given and os.access(given, os.X_OK) else BUILT_VERSION


def extra():
    """What there is besides the default, without building anything."""
    given = os.environ.get("BETRACE_TEMPO_BIN")
    programs = [given] if given and os.access(given, os.X_OK) else []
    return [variant for variant in of_programs(programs + extra_programs()) if variant.name != default_version()]


def found():
    """Every variant there is."""
    try:
        built = [tempo_binary()]
    except NoTempo:
        built = []
    return of_programs(built + extra_programs())


def named(name):
    for variant in extra():
        if variant.name == name:
            return variant
    for variant in found():
        if variant.name == name:
            return variant
    there = ", ".join(variant.name for variant in found())
    raise NoVariant(f"there is no variant {name} here; there are {there} (BETRACE_TEMPOS names more programs)")


def current():
    """The variant of BETRACE_TEMPO_VARIANT, else the default. Raises NoTempo where there is none."""
    name = os.environ.get("BETRACE_TEMPO_VARIANT")
    return named(name) if name else default()


if __name__ == "__main__":
    for one in found():
        print(f"{one.name:<20}{one.program}")
