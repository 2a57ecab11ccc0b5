/* What the subcommands share: exit statuses, options, messages. Thread: the main thread. */
#ifndef BT_SERVER_CLI_H
#define BT_SERVER_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/rules/rule_definition.h"

enum { BT_EXIT_FINE = 0, BT_EXIT_FOUND = 1, BT_EXIT_USAGE = 2, BT_EXIT_UNKNOWN = 3 }; /* api.md, The command line */

/* Prints "betrace NAME: message" and where to find help to stderr; returns BT_EXIT_USAGE. */
int bt_cli_usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints the error; returns BT_EXIT_UNKNOWN, or BT_EXIT_USAGE for wrong input. */
int bt_cli_fail(const char *command, bt_status status, const bt_error *error);

/* A folder of conventions (--semconv). False: it cannot be used, and why has been printed. */
bool bt_cli_use_conventions(const char *folder);
bool bt_cli_number(const char *text, uint64_t *out); /* decimal digits only */
bool bt_cli_percent(const char *text, double *out);  /* "0.1%" or "0.1": 0 to 100 */

const char *bt_cli_plural(uint64_t count); /* "" or "s" */

/* Where a rule stands; file NULL: it was given as a text. */
typedef struct bt_rule_place {
  char *file; /* owned by the rules */
  unsigned line;
} bt_rule_place;

/* Reads rule files; compiles them; prints what is wrong to stderr with file and line. */
typedef struct bt_cli_rules {
  bt_rule_definition **items;
  bt_rule_place *places; /* of each item */
  size_t count, capacity, place_capacity;
  const char *without; /* the first path that held no rule; borrowed; NULL: none did */
} bt_cli_rules;
bool bt_cli_rules_add_file(bt_cli_rules *rules, const char *path); /* a folder: all rule files in it */
bool bt_cli_rules_add_text(bt_cli_rules *rules, const char *id, const char *dsl);
/* Of files that were given and hold no rule; returns BT_EXIT_USAGE. */
int bt_cli_rules_refuse_none(const bt_cli_rules *rules, const char *command);
void bt_cli_rules_dispose(bt_cli_rules *rules);

/* The whole file, or stdin for "-"; NULL: *error says why. Free it. */
char *bt_cli_read_file(const char *path, size_t max_bytes, size_t *length, bt_error *error);
/* The whole text to an open file; false: errno says why not. */
bool bt_cli_write_all(int file, bt_str text);

/* Prints to stdout, styles and all (bt_print_styled), and disposes. */
void bt_cli_print_buffer(bt_buffer *text);
/* Prints a JSON object and a newline to stdout; takes it. */
void bt_cli_print_json(json_t *object);

#endif
