/* Rule files from the paths of a command line: a folder stands for the rule files in it, at any depth. Thread: the main
 * thread. */
#ifndef BT_SERVER_RULE_PATHS_H
#define BT_SERVER_RULE_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "dsl/base/error.h"
#include "dsl/base/text.h"
#include "server/base/sha256.h"
#include "server/cli/command.h"

typedef struct bt_rule_paths { /* all-zero is empty; on the heap */
  char **items;
  size_t count, capacity;
} bt_rule_paths;

/* Files and "-" stay as they are, in their order. A folder becomes its *.yaml, *.yml and *.json files in the order of
 * their names; what begins with a dot, *.otlp.json (traces of tests) and links to folders are left out. BT_INVALID: a
 * folder without a rule file, or nested more than 32 deep; BT_IO: it cannot be read; BT_NO_MEMORY. Dispose in any case.
 */
bt_status bt_rule_paths_find(char *const *paths, size_t count, bt_rule_paths *out, bt_error *error) BT_MUST_CHECK;
/* Every file in the folder, whatever its name, in the same order and with the same left out, added to the list. Errors
 * are those of bt_rule_paths_find; one without a file is none. */
bt_status bt_rule_paths_add_folder(bt_rule_paths *paths, const char *folder, bt_error *error) BT_MUST_CHECK;
void bt_rule_paths_dispose(bt_rule_paths *paths);
/* --rules, for commands that take rule files and no traces; and what takes its value. */
extern const bt_flag bt_flags_rule_files[];
bool bt_rule_paths_take(bt_rule_paths *named, const char *path);
/* The paths of --rules, then those without a flag, as bt_rule_paths_find makes files of them. Disposes `named`. False:
 * it has printed why, and the command ends with BT_EXIT_USAGE. */
bool bt_rule_paths_of(const char *command, bt_rule_paths *named, const bt_operands *operands, bt_rule_paths *out);
/* A hash of the files of these paths, names and bytes. It is the same as long as none of them changes. Errors are those
 * of bt_rule_paths_find; BT_IO: a file cannot be read, or is too large. */
bt_status bt_rule_paths_mark(const bt_rule_paths *named, bt_sha256 *out, bt_error *error) BT_MUST_CHECK;
/* Where all of these files together hold no rule: what was looked for, and in which of them. */
void bt_rule_paths_say_none(const char *const *paths, size_t count, bt_buffer *out);
/* Of what stands on stdin: a rule file begins with a list, a key or a brace. One rule's text never does. */
bool bt_looks_like_rule_file(bt_str text);

#endif
