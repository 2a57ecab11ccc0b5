/* What commands that judge share of rules that nothing exercised (server/replay/idle_rules.h): how they are printed,
 * the JSON and the flag --require-exercised. Thread: the main thread. */
#ifndef BT_SERVER_CLI_IDLE_PRINT_H
#define BT_SERVER_CLI_IDLE_PRINT_H

#include <jansson.h>
#include <stdbool.h>

#include "server/cli/replay_options.h"
#include "server/replay/idle_rules.h"
#include "server/replay/unseen_names.h"

/* A row for the flags of a command; bt_replay_options_take takes it. */
#define BT_FLAG_ROW_EXERCISED                                                                                          \
  {                                                                                                                    \
    "require-exercised", BT_FLAG_EXERCISED, NULL, NULL,                                                                \
        "end with 3 where nothing exercised a rule, unless one is "                                                    \
        "violated",                                                                                                    \
        NULL                                                                                                           \
  }
#define BT_EXERCISED_UNKNOWN "with --require-exercised also: nothing exercised a rule"

/* Prints that to stdout, in yellow, or to stderr behind "betrace NAME: ". */
void bt_idle_rules_print(const bt_idle_rules *idle);
void bt_idle_rules_print_error(const bt_idle_rules *idle, const char *command);
/* "note: ID: …" on stdout; looked_at: traces that were read. */
void bt_replay_note_print(const bt_rule_definition *rule, const bt_replay_note *note, uint64_t looked_at);
/* What a service's answers say in `unexercised` and `notes`, a line each behind `before`. */
void bt_rule_words_print(const bt_rule_words *words, const bt_rule_definition *const *rules, const char *before);
/* new: [{rule_id, known, message, absent: [{kind, name, near: [{name, traces}]}]}]; traces null: not counted. NULL: no
 * memory. */
json_t *bt_idle_rules_json(const bt_idle_rules *idle);
/* The exit status of a command that ends with `code` otherwise: with --require-exercised BT_EXIT_UNKNOWN in place of
 * BT_EXIT_FINE where `is_idle`. */
int bt_idle_exit_status(const bt_replay_options *options, bool is_idle, int code);

#endif
