/* `betrace backup`: a copy of the rule database, also while the service runs. */
#include <stdlib.h>

#include "server/cli/cli.h"
#include "server/cli/command.h"
#include "server/cli/printer.h"
#include "server/store/backup.h"

enum { DATABASE = BT_FLAG_OWN };

typedef struct wanted {
  const char *database;
  bool print_json;
} wanted;

static bool take_flag(void *context, const bt_flag *flag, const char *value) {
  wanted *w = context;
  if (flag->id == DATABASE)
    w->database = value;
  else if (flag->id == BT_FLAG_JSON)
    w->print_json = true;
  else
    return false;
  return true;
}

static int backup_command(const bt_command *self, int argc, char **argv) {
  const char *said = getenv("BETRACE_DB");
  wanted w = {.database = said && said[0] ? said : "./betrace.db"};
  bt_operands operands;
  bt_backup_result made;
  bt_error error = {0};
  int code = BT_EXIT_FINE;
  if (!bt_arguments_read(self, argc, argv, take_flag, &w, &operands, &code)) return code;
  if (operands.count != 1) return bt_cli_usage_error("backup", "say which file to write: betrace backup FILE");
  const char *file = operands.items[0];
  bt_status status = bt_rule_store_backup(w.database, file, &made, &error);
  if (status) return bt_cli_fail("backup", status, &error);
  if (w.print_json)
    bt_cli_print_json(json_pack("{s:s, s:s, s:I, s:I}", "database", w.database, "file", file, "rules",
                                (json_int_t)made.rules, "versions", (json_int_t)made.versions));
  else
    bt_print("%s: %lld version%s of %lld rule%s\n", file, (long long)made.versions,
             bt_cli_plural((uint64_t)made.versions), (long long)made.rules, bt_cli_plural((uint64_t)made.rules));
  return BT_EXIT_FINE;
}

/* ---- the row ---- */

static const bt_flag flags[] = {
    {"db", DATABASE, "FILE", "./betrace.db", "the rule database of the service", "BETRACE_DB"}, {0}};
static const bt_flag_group groups[] = {{"Flags:", flags, NULL}, {0}};
static const bt_example examples[] = {
    {"Every night, while the service runs", "betrace backup --db /var/lib/betrace/betrace.db rules-$(date +%F).db"},
    {0}};
const bt_command bt_command_backup = {
    .name = "backup",
    .summary = "copy the rule database, also while the service runs",
    .usage = "[flags] FILE",
    .about =
        "Writes all rules and all their versions to FILE, as they were when it began. FILE must not exist. It appears "
        "whole and checked, or not at all. The service need not stop and does not wait.\n\nTo restore: stop the "
        "service, move the database and its files -wal and -shm away, and put the copy in its place.",
    .examples = examples,
    .groups = groups,
    .fine = "the copy is there and was checked",
    .unknown = "it could not be made; nothing is left behind",
    .run = backup_command};
