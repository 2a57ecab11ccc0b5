/* What the files are that stand on a command line without a flag: rules or traces. Thread: the main thread. */
#ifndef BT_SERVER_CLI_OPERANDS_H
#define BT_SERVER_CLI_OPERANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "tempo/wire/source.h"

/* Rules are folders, *.yaml and *.yml, and *.json that does not begin like OTLP. Everything else is traces, "-" too. */
bool bt_operand_has_rules(const char *path);

/* A source of these files, new: bt_source_free. What is left out of them is said on stderr. BT_INVALID, and so a wrong
 * use of the command: one of them cannot be opened or read. BT_LIMIT: it is too large. BT_NO_MEMORY. */
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
