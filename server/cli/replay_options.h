/* Flags that commands over a source and a range share: rules, where the traces are, the range, assumptions, and the
 * source that they name. Thread: the main thread. */
#ifndef BT_SERVER_CLI_REPLAY_OPTIONS_H
#define BT_SERVER_CLI_REPLAY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "server/cli/cli.h"
#include "server/cli/command.h"
#include "server/replay/replay.h"
#include "server/replay/violation.h"
#include "server/rules/rule_definition.h"
#include "server/settings/source_settings.h"
#include "tempo/wire/cancellation.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/source.h"

typedef struct bt_replay_options {
  bt_source_settings source;
  const char *tenant;
  const char **traces; /* owned array of borrowed names */
  size_t trace_count;
  unsigned jobs; /* threads that read these */
  int64_t since_ns, start_ns, end_ns;
  bool has_start, has_end;
  bool counts_from_now; /* one of them is now, or some time before or after it */
  bt_assumptions assumptions;
  uint64_t concurrency, concurrency_max;
  const char *trace_link; /* --trace-link-template, or NULL */
  bool print_json;
  bool requires_exercised; /* --require-exercised */
  bt_cli_rules rules;
  bool has_wrong_rules;   /* messages are printed */
  const char *store_name; /* --store-name: the name that rules have for the store; NULL: not said */
  const char **only;      /* --rule: ids; owned array of borrowed texts */
  size_t only_count;
} bt_replay_options;

/* Rows for the tables of commands. */
extern const bt_flag bt_flags_rules[], bt_flags_traces[], bt_flags_assumptions[], bt_flags_links[];
/* --since, --start and --end, with the default that the name says. */
extern const bt_flag bt_flags_range_day[], bt_flags_range_month[], bt_flags_range_week[];

void bt_replay_options_init(bt_replay_options *options);
void bt_replay_options_dispose(bt_replay_options *options);
/* Takes a flag of the rows above, and --json; for a bt_flag_take. */
bool bt_replay_options_take(bt_replay_options *options, const bt_flag *flag, const char *value);
/* Whether what was given is enough. BT_EXIT_FINE, or the exit status, and messages are printed. */
typedef enum bt_needs { BT_NEEDS_SOURCE = 1, BT_NEEDS_RULES = 2, BT_NEEDS_ONE_RULE = 4, BT_SHOWS_LINKS = 8 } bt_needs;
int bt_replay_options_check(bt_replay_options *options, const bt_command *command, unsigned needs);
/* Part of it, for a command with rules of its own: over a store, rules of one store alone are kept. Sets that have
 * rules of several, and no --store-name, are refused. */
int bt_replay_options_keep_store(const bt_replay_options *options, const bt_command *command, bt_cli_rules *const *sets,
                                 size_t count);
/* Part of it, for a command that needs nothing else: which store --store and --tempo name, or the environment does. */
int bt_replay_options_choose(bt_replay_options *options, const bt_command *command);
/* For commands with bt_flags_links that check otherwise: installs the template of the flag, else of the environment. */
int bt_trace_link_choose(const bt_command *command, const char *given);
/* A line with the link of a violation behind `before`; nothing where there are no links. */
void bt_trace_link_print(const char *before, const bt_violation *violation);
/* For a command whose operands are files: rule files where it takes rules, and files of traces. What stands behind "--"
 * is traces. BT_EXIT_FINE, or the exit status, and a message is printed. */
int bt_replay_options_operands(bt_replay_options *options, const bt_command *command, const bt_operands *operands,
                               bool takes_rules);
/* For a command without operands. */
int bt_operands_refuse(const bt_command *command, const bt_operands *operands);

typedef struct bt_replay_place { /* where the traces come from */
  bt_http_client *client;        /* NULL for files */
  bt_source *source;
} bt_replay_place;
/* BT_INVALID: the address, a credential or a file is wrong. BT_IO: a file of a secret or certificate cannot be read.
 * BT_LIMIT: files are too large. BT_UNAVAILABLE, BT_NO_MEMORY. Close in every case. */
bt_status bt_replay_place_open(const bt_replay_options *options, bt_replay_place *out, bt_error *error) BT_MUST_CHECK;
void bt_replay_place_close(bt_replay_place *place);

/* The range that is asked for: the last `otherwise_ns` when nothing is said, and of files everything. */
bt_time_range bt_replay_options_range(const bt_replay_options *options, const bt_source *source, int64_t otherwise_ns);
#define BT_DAY_NS INT64_C(86400000000000)

/* A request with everything that the options say; the rules are the caller's. */
bt_replay_request bt_replay_options_request(const bt_replay_options *options, const bt_rule_definition *const *rules,
                                            size_t rule_count, bt_time_range range);

/* Set by Ctrl-C from the first call on. */
const bt_cancel *bt_replay_interrupt(void);

/* Shows "42 %  about 12 s left", or that and "  7 violations", on stderr where that is a terminal; each a `progress` of
 * bt_replay_observer.
 */
void bt_replay_show_progress(void *context, double fraction, const bt_replay_result *so_far);
void bt_replay_show_violations(void *context, double fraction, const bt_replay_result *so_far);
/* The same for what is no replay. */
void bt_cli_show_fraction(void *context, double fraction);
void bt_replay_clear_progress(void);

/* Who says how the traces were sampled, and how sure that is; nothing where all are declared to be kept. */
void bt_replay_print_sampling(const bt_sampled_traces *range);
/* Prints one line for a violation, and its link; one for the store that answered; and with that, lines for what was not
 * read or is not settled. */
void bt_replay_print_violation(const bt_rule_definition *definition, const bt_violation *violation);
void bt_replay_print_source(const bt_source_about *about);
void bt_replay_print_gaps(const bt_coverage *coverage);
/* What was found in the part that is not settled. */
typedef struct bt_tail_found {
  uint64_t violations;
  bool is_listed; /* coverage.unsettled counts all traces of it, and not only those that a search found */
} bt_tail_found;
/* The same, and that. found: NULL, nothing is said of it. */
void bt_replay_print_gaps_and(const bt_coverage *coverage, const bt_tail_found *found);

#endif
