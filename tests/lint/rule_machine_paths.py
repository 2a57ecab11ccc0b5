"""The project must build and run anywhere: no file names a folder of the machine it was written on, nor a package registry's host."""
import re

SUMMARY = "no path of one machine, no registry host"
PATHS = re.compile(r"(?<![\w.$}<-])/(work|root|home/\w+)(?=[/\s\"'`:;,)]|$)")
TEMPORARY = re.compile(r"/tmp/[a-z]")
HOSTS = re.compile("|".join(re.escape(".".join(parts)) for parts in (
    ("proxy", "golang", "org"), ("sum", "golang", "org"), ("registry", "npmjs", "org"), ("registry", "yarnpkg", "com"),
    ("pypi", "org"), ("files", "pythonhosted", "org"), ("deb", "debian", "org"), ("snapshot", "debian", "org"))))


def findings(tree):
    for pattern, what in ((PATHS, "a path of one machine"), (TEMPORARY, "a fixed temporary file: use mkdtemp or a build folder"),
                          (HOSTS, "a registry host: leave the choice to the user's configuration")):
        for file, number, match in tree.grep(pattern):
            yield f"{file}:{number}: {match.group()}: {what}"


BAD = [
    {"a.md": "see /" + "work/main\n"},
    {"a.sh": "cd /" + "root\n"},
    {"a.py": "open('/" + "home/jo/x')\n"},
    {"a.py": "open('/tmp" + "/h-x/y')\n"},
    {"a.md": "https://registry." + "npmjs.org/x\n"},
]
GOOD = [{"a.md": "the framework/workload; ${DATA}/work; https://example.org/work; /rootfs; mkdtemp in /tmp\n"}]
