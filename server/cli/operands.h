/* What the files are that stand on a command line without a flag: rules or traces. Thread: the main thread. */
#ifndef BT_SERVER_CLI_OPERANDS_H
#define BT_SERVER_CLI_OPERANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "server/cli/command.h"
#include "tempo/wire/source.h"

/* Rules are *.yaml and *.yml, *.json that does not begin like traces, and folders with such a file. Everything else is
 * traces, "-" too. has_others: rules come from elsewhere, so that *.json has to begin like rules. */
bool bt_operand_has_rules(const char *path, bool has_others);
/* Whether one of them is a rule file without a doubt: *.yaml, *.yml, or *.json that begins like rules. */
bool bt_operands_have_rules(const bt_operands *operands);

/* A source of these files, and of all files in those that are folders, new: bt_source_free. What is left out of them is
 * said on stderr. BT_INVALID, and so a wrong use of the command: one of them cannot be opened or read. BT_LIMIT: it is
 * too large. BT_NO_MEMORY. */
bt_status bt_cli_open_traces(const char *const *paths, size_t count, unsigned jobs, bt_source **out,
                             bt_error *error) BT_MUST_CHECK;

/* Some file that was opened so lacks what a verdict could rest on; it was said. Then no command ends as if all was
 * fine.
 */
bool bt_cli_traces_lack_something(void);

/* Threads that read these files. */
#define BT_JOBS_HELP "threads that read files of traces, 1 to 256; the answer is the same with any number"
unsigned bt_cli_processors(void);
bool bt_cli_take_jobs(const char *value, unsigned *out); /* false: it is no such number */

#endif
