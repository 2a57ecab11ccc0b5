/* Options that commands over a source and a range share (replay, first): rules, where the traces are, the range, assumptions, and the source
 * that they name. Thread: the main thread. */
#ifndef BT_SERVER_CLI_REPLAY_OPTIONS_H
#define BT_SERVER_CLI_REPLAY_OPTIONS_H

#include "server/cli/cli.h"
#include "server/replay/replay.h"
#include "server/tempo_settings.h"

typedef struct bt_replay_options {
  bt_tempo_settings tempo;
  const char *tenant;
  const char **traces; /* owned array of borrowed names */
  size_t trace_count;
  int64_t since_ns, start_ns, end_ns;
  bool has_start, has_end;
  bt_assumptions assumptions;
  uint64_t concurrency;
  bool print_json;
  bt_cli_rules rules;
} bt_replay_options;

/* Lines of a help text for the shared options. */
#define BT_REPLAY_OPTIONS_HELP                                                                                         \
  "  --rules FILE        rule file (YAML or JSON); may be given several times\n"                                       \
  "  --dsl TEXT          one rule's text\n"                                                                            \
  "  --tempo URL         a Tempo's HTTP address, with the path before /api/ (or BETRACE_TEMPO_URL)\n"                  \
  "  --tempo-user NAME --tempo-password-file FILE   basic authentication (or BETRACE_TEMPO_USER, _PASSWORD)\n"         \
  "  --tempo-token-file FILE   a bearer token (or BETRACE_TEMPO_TOKEN)\n"                                              \
  "  --tempo-ca FILE     authorities (PEM) to trust besides the system's (or BETRACE_TEMPO_CA)\n"                      \
  "  --traces FILE       OTLP trace file; may be given several times\n"                                                \
  "  --start TIME --end TIME   RFC 3339, unix s/ms/ns, now, now-24h\n"                                                 \
  "  --tenant NAME       X-Scope-OrgID for Tempo\n"                                                                    \
  "  --settle, --margin, --lateness, --handover, --clock-skew DURATION   assumptions (2m 15m 15m 1h 0s)\n"             \
  "  --require-complete  a missing parent makes a trace incomplete\n"                                                  \
  "  --tempo-concurrency N   requests to Tempo at once (default 2)\n"                                                  \
  "  --json              one JSON object\n"

/* Options of one command alone: rows of getopt_long with values from BT_REPLAY_OPTION_OWN on, ending with a zero row. */
enum { BT_REPLAY_OPTION_OWN = 100, BT_REPLAY_OPTIONS_OWN_MAX = 8 };
typedef struct bt_own_options {
  const struct option *rows;
  bool (*take)(void *context, int option, const char *value); /* false: the value is wrong */
  void *context;
} bt_own_options;

/* Reads argv. True: go on; false: ended with *code (help, wrong usage), messages printed. Dispose the options in each case. */
bool bt_replay_options_parse(bt_replay_options *options, int argc, char **argv, const char *help,
                             const bt_own_options *own, int *code);
void bt_replay_options_dispose(bt_replay_options *options);

typedef struct bt_replay_place { /* where the traces come from */
  bt_http_client *client;        /* NULL for files */
  bt_source *source;
} bt_replay_place;
bt_status bt_replay_place_open(const bt_replay_options *options, bt_replay_place *out, bt_error *error) BT_MUST_CHECK;
void bt_replay_place_close(bt_replay_place *place);

/* The range that is asked for: the last `otherwise_ns` when nothing is said, and of files everything. */
bt_time_range bt_replay_options_range(const bt_replay_options *options, const bt_source *source, int64_t otherwise_ns);

/* Set by Ctrl-C from the first call on. */
const bt_cancel *bt_replay_interrupt(void);

/* Prints one line for a violation, and lines for what was not read or is not settled. */
void bt_replay_print_violation(const bt_rule_definition *definition, const bt_violation *violation);
void bt_replay_print_gaps(const bt_coverage *coverage);

#endif
