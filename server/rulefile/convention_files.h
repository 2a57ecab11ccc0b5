/* Tables of renames from files: OpenTelemetry's schema files (file_format 1.0 and 1.1) and registries of Weaver
 * (`deprecated: {reason: renamed, renamed_to: …}`). Thread: no state. */
#ifndef BT_SERVER_RULEFILE_CONVENTION_FILES_H
#define BT_SERVER_RULEFILE_CONVENTION_FILES_H

#include "dsl/base/arena.h"
#include "dsl/base/error.h"
#include "dsl/rule/conventions.h"

enum { BT_CONVENTION_FILES_MAX = 2000, BT_CONVENTION_FILE_BYTES = 4 * 1024 * 1024, BT_CONVENTION_RENAMES = 20000 };

/* Reads every *.yaml, *.yml and file with a release for a name (1.26.0, as schema files have) in the folder and those
 * in it, and adds what they rename to the built-in table. A rename without a release, as a registry has them, counts
 * behind all others. Everything is in the arena. BT_IO: the folder or a file cannot be read; BT_INVALID: a file is no
 * YAML, or no file renames anything; BT_LIMIT; BT_NO_MEMORY. */
bt_status bt_convention_files_read(const char *folder, bt_arena *arena, bt_conventions *out,
                                   bt_error *error) BT_MUST_CHECK;

/* Where the folder is named for every command. */
#define BT_SEMCONV_VARIABLE "BETRACE_SEMCONV"
#define BT_SEMCONV_HELP                                                                                                \
  "folder of OpenTelemetry schema files, or of a Weaver registry: names that changed, for rules that say semconv"
/* The same, for the whole program until it ends, with the same errors (BT_IO, BT_INVALID, BT_LIMIT, BT_NO_MEMORY).
 * Before there are threads. */
bt_status bt_convention_files_use(const char *folder, bt_error *error) BT_MUST_CHECK;

#endif
