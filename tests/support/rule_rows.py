"""Rows of the rule database as others left them: a further version of betrace, which seals what it writes, or a disk, which does not."""
import contextlib
import hashlib
import sqlite3

COLUMNS = ("tenant rule_id version is_deletion name description dsl severity has_severity enabled shadow watch_all labels annotations settle_ns margin_ns "
           "clock_skew_ns require_complete condition_hash created_at_ns updated_at_ns updated_by budget links_sampled store").split()


def seal(row):
    """The checksum that server/store/row_seal.h describes, of the values of COLUMNS. What follows updated_by counts up to the last that is there."""
    while row[-1] is None and len(row) > COLUMNS.index("budget"):
        row = row[:-1]
    fields = [b"betrace.row.1"]
    for value in row:
        fields += [b"n", b""] if value is None else [b"i", str(value).encode()] if isinstance(value, int) else [b"t", value.encode()]
    digest = hashlib.sha256()
    for field in fields:
        digest.update(len(field).to_bytes(8, "big") + field)
    return digest.hexdigest()


@contextlib.contextmanager
def unguarded(path):
    """A connection for which versions of rules may be changed; what guards them is as it was afterwards."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        guards = list(database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        for name, _ in guards:
            database.execute(f'DROP TRIGGER "{name}"')
        yield database
        for _, sql in guards:
            database.execute(sql)
        database.commit()


def reseal(database):
    database.execute("DELETE FROM version_seals")
    for row in list(database.execute(f"SELECT {', '.join(COLUMNS)} FROM rule_versions")):
        database.execute("INSERT INTO version_seals VALUES (?, ?, ?, ?)", (*row[:3], seal(row)))


def change_rules(path, sql, parameters=(), sealed=True):
    """Runs one statement on the rows; says how many it changed. Sealed: as a betrace with another language would have written them."""
    with unguarded(path) as database:
        changed = database.execute(sql, parameters).rowcount
        if sealed:
            reseal(database)
    return changed
