/* Members of a JSON document that somebody gave, each of the type that it has to have. The first that is none is said
 * with its place and what was expected; what is read after that is empty. Thread: the main thread. */
#ifndef BT_SERVER_CLI_MEMBER_H
#define BT_SERVER_CLI_MEMBER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "server/replay/replay.h"

typedef struct bt_members {
  bt_status status; /* BT_OK until something is wrong, then BT_INVALID or BT_NO_MEMORY */
  bt_error error;
} bt_members;

/* An object, and where it stands in the document: "" or "rules[2]". */
typedef struct bt_member_of {
  bt_members *members;
  const json_t *object;
  char where[64];
} bt_member_of;

void bt_member_refuse(bt_member_of of, const char *name, const char *expected);
bt_member_of bt_member_object(bt_member_of of, const char *name);
/* Elements of a list that is a member; the list's length is bt_member_count. */
size_t bt_member_count(bt_member_of of, const char *name);
bt_member_of bt_member_at(bt_member_of of, const char *name, size_t index);
uint64_t bt_member_number(bt_member_of of, const char *name);
bool bt_member_flag(bt_member_of of, const char *name);
const char *bt_member_text(bt_member_of of, const char *name);    /* never NULL */
const char *bt_member_text_or(bt_member_of of, const char *name); /* absent or null: NULL */
int64_t bt_member_time(bt_member_of of, const char *name);
bool bt_member_time_or(bt_member_of of, const char *name, int64_t *out); /* absent or null: false, and 0 */
bt_time_range bt_member_range(bt_member_of of, const char *name);
bt_time_range bt_range_of_member(bt_member_of of); /* the object's own start and end */
int64_t bt_member_duration(bt_member_of of, const char *name);
double bt_member_share(bt_member_of of, const char *name); /* from 0 to 1 */
double bt_member_real(bt_member_of of, const char *name);
bt_trace_id bt_member_trace_id(bt_member_of of, const char *name);
bt_moment bt_member_moment(bt_member_of of, const char *name);
bool bt_member_trace_id_at(bt_member_of of, const char *name, size_t index, bt_trace_id *out); /* of a list of ids */

#endif
