#!/usr/bin/env python3
"""Names the images of what is released by their digests: a tag may be another image tomorrow.

    pin_images.py DIGESTS values VALUES.yaml      the chart's values, pinned, on standard output
    pin_images.py DIGESTS env COMPOSE.yml         variables for the compose file: docker-compose --env-file
    pin_images.py DIGESTS names VALUES.yaml COMPOSE.yml   which images have to be in DIGESTS, one a line; DIGESTS may be -

DIGESTS has a line for each image, `NAME:TAG sha256:…`, as `docker buildx imagetools inspect NAME:TAG` shows it on the day of the release. No digest stands
in the sources: it would be old with the next fix, and nobody would notice. An image without a line is an error, and so is a line that is none.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
IN_VALUES = re.compile(r'(?P<before>image: "?)(?P<image>[\w./-]+:[\w.-]+)(?P<after>"?)')
IN_COMPOSE = re.compile(r"image: \$\{(?P<variable>\w+):-(?P<image>[^}]+)\}")


def fail(message):
    sys.exit(f"pin_images.py: {message}")


def own_images(values):
    """The two that are built here, which have no tag in the values: {(name, where its digest goes)}."""
    version = (ROOT / "VERSION").read_text(encoding="ascii").split()[0]
    backend = re.search(r"repository: (\S+)", values)
    plugin = re.search(r'plugin: \{.*image: "([^":]+)"', values)
    if not backend or not plugin:
        fail("the values name no image.repository, or no grafana.plugin.image")
    return f"{backend[1]}:{version}", f"{plugin[1]}:{version}"


def read_digests(path):
    digests = {}
    for number, line in enumerate(pathlib.Path(path).read_text(encoding="utf-8").splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or not DIGEST.fullmatch(words[1]) or ":" not in words[0]:
            fail(f"{path}:{number}: NAME:TAG and sha256: with 64 hexadecimal digits are expected; \"{line}\" came")
        if digests.setdefault(words[0], words[1]) != words[1]:
            fail(f"{path}:{number}: {words[0]} has another digest above")
    return digests


def digest_of(digests, image):
    if image not in digests:
        fail(f"there is no digest of {image}: add a line with what `docker buildx imagetools inspect {image}` shows")
    return digests[image]


def pin_values(values, digests):
    backend, plugin = own_images(values)
    values = IN_VALUES.sub(lambda found: f"{found['before']}{found['image']}@{digest_of(digests, found['image'])}{found['after']}", values)
    values = re.sub(r'^  digest: ""', f'  digest: "{digest_of(digests, backend)}"', values, count=1, flags=re.M)
    return re.sub(r'(plugin: \{.*digest: )""', rf'\g<1>"{digest_of(digests, plugin)}"', values, count=1)


def compose_variables(compose, digests):
    return "".join(f"{found['variable']}={found['image']}@{digest_of(digests, found['image'])}\n" for found in IN_COMPOSE.finditer(compose))


def names(values, compose):
    images = {found["image"] for found in IN_VALUES.finditer(values)} | {found["image"] for found in IN_COMPOSE.finditer(compose)}
    return "".join(f"{image}\n" for image in sorted(images | set(own_images(values))))


def main(arguments):
    if len(arguments) < 3 or (arguments[1], len(arguments)) not in (("values", 3), ("env", 3), ("names", 4)):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    texts = [pathlib.Path(path).read_text(encoding="utf-8") for path in arguments[2:]]
    if arguments[1] == "names":
        sys.stdout.write(names(*texts))
    else:
        made = {"values": pin_values, "env": compose_variables}[arguments[1]](texts[0], read_digests(arguments[0]))
        sys.stdout.write(made)


if __name__ == "__main__":
    main(sys.argv[1:])
