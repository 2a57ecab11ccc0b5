"""The three sizes of a bench: `--short` is what `make check` runs, `--medium` what `make check-more` does, and
without either it is at full size."""

SIZES = ("short", "medium", "full")


def add_sizes(parser):
    """options.size is one of SIZES then."""
    for size in SIZES[:-1]:
        parser.add_argument(f"--{size}", dest="size", action="store_const", const=size, default=SIZES[-1])


def by_size(size, short, medium, full):
    return dict(zip(SIZES, (short, medium, full)))[size]
