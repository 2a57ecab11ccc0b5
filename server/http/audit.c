/* Lines of the audit log. See audit.h. */
#include "server/http/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/base/time_text.h"

enum {
  MAX_TEXT_BYTES = 512, /* of a path; the rest is cut */
  BURST = 20,           /* refusals that are written one after another */
  A_SECOND = 5,         /* and then so many a second */
  COMPLAIN_S = 60       /* a file that cannot be written is complained of so often */
};
static const int64_t second_ns = 1000000000;

struct bt_audit {
  pthread_mutex_t mutex; /* guards all below but the name */
  char *file;            /* NULL: none */
  bool is_strict;
  int fd;        /* -1: none */
  bool is_torn;  /* its last line went in by a part only */
  double tokens; /* refusals that may be written now */
  int64_t refilled_at_ns, complained_at_ns;
  unsigned long long left_out;     /* refusals since the last that was written */
  unsigned long long lost, unsaid; /* lines that the file did not take; of them those that no line has told of yet */
};

bt_status bt_audit_reopen(bt_audit *audit, bt_error *error) {
  if (!audit->file) return BT_OK;
  int fresh = open(audit->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fresh < 0)
    return bt_error_set(error, BT_IO, "the audit log %s cannot be written: %s", audit->file, strerror(errno));
  pthread_mutex_lock(&audit->mutex);
  int old = audit->fd;
  audit->fd = fresh;
  audit->is_torn = false;
  pthread_mutex_unlock(&audit->mutex);
  if (old >= 0) close(old);
  return BT_OK;
}

bt_status bt_audit_new(const char *file, bool is_strict, bt_audit **out, bt_error *error) {
  *out = NULL;
  bt_audit *audit = calloc(1, sizeof *audit);
  if (!audit) return bt_error_no_memory(error);
  pthread_mutex_init(&audit->mutex, NULL);
  audit->fd = -1;
  audit->is_strict = is_strict;
  audit->tokens = BURST;
  audit->refilled_at_ns = bt_clock_monotonic_ns();
  audit->file = file ? strdup(file) : NULL;
  bt_status status = file && !audit->file ? bt_error_no_memory(error) : bt_audit_reopen(audit, error);
  if (status)
    bt_audit_free(audit);
  else
    *out = audit;
  return status;
}

void bt_audit_free(bt_audit *audit) {
  if (!audit) return;
  if (audit->fd >= 0) close(audit->fd);
  pthread_mutex_destroy(&audit->mutex);
  free(audit->file);
  free(audit);
}

bool bt_audit_wants(const bt_route *route) {
  return route && (route->needs == BT_ROLE_EDITOR || strstr(route->path, "/reports/"));
}

/* ---- one line ---- */

/* Bytes that are no ASCII text are written as what they are, so that any request gives a line of JSON. */
static void append_text(bt_buffer *line, const char *name, bt_str text) {
  bt_buffer_printf(line, ",\"%s\":\"", name);
  for (size_t i = 0; i < text.len && i < MAX_TEXT_BYTES; i++) {
    unsigned char c = (unsigned char)text.ptr[i];
    if (c < 0x20 || c >= 0x7F || c == '"' || c == '\\')
      bt_buffer_printf(line, "\\u%04x", c);
    else
      bt_buffer_append_char(line, (char)c);
  }
  bt_buffer_append_char(line, '"');
}

static void make_line(const bt_audit_line *from, const char *event, unsigned long long left_out, bt_buffer *line) {
  char time_text[40];
  bt_time_format(bt_clock_wall_ns(), time_text);
  bt_buffer_printf(line, "{\"time\":\"%s\",\"event\":\"%s\"", time_text, event);
  append_text(line, "user", from->user);
  append_text(line, "tenant", from->tenant);
  append_text(line, "method", from->method);
  append_text(line, "path", from->path);
  if (from->status) bt_buffer_printf(line, ",\"status\":%d", from->status);
  if (from->why) append_text(line, "why", bt_str_from(from->why));
  append_text(line, "from", from->from);
  if (left_out) bt_buffer_printf(line, ",\"left_out\":%llu", left_out);
}

/* Under the lock. `failed` is the system's number. */
static void count_lost(bt_audit *audit, int failed) {
  int64_t now_ns = bt_clock_monotonic_ns();
  audit->lost++;
  audit->unsaid++;
  if (audit->complained_at_ns && now_ns - audit->complained_at_ns < COMPLAIN_S * second_ns) return;
  audit->complained_at_ns = now_ns;
  bt_log(BT_LOG_ERROR, "the audit log %s cannot be written: %s; %llu lines are lost so far", audit->file,
         strerror(failed), audit->lost);
}

/* Under the lock. 0, or the system's number: a full disk takes a part first, and says why not the rest when it is asked
 * to. */
static int write_whole(bt_audit *audit, bt_str line) {
  while (line.len) {
    ssize_t count = write(audit->fd, line.ptr, line.len);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 ? errno : EIO;
    line = (bt_str){line.ptr + count, line.len - (size_t)count};
    audit->is_torn = line.len > 0;
  }
  return 0;
}

/* Under the lock. The line tells how many before it were lost, and stands apart from a piece of one. */
static int append_line(bt_audit *audit, bt_buffer *line) {
  if (audit->unsaid) bt_buffer_printf(line, ",\"lost\":%llu", audit->unsaid);
  bt_buffer_append(line, BT_STR("}\n"));
  if (line->failed) return ENOMEM;
  int failed = audit->is_torn ? write_whole(audit, BT_STR("\n")) : 0;
  if (!failed) failed = write_whole(audit, bt_buffer_str(line));
  if (!failed) audit->unsaid = 0;
  return failed;
}

static bool put_line(bt_audit *audit, const bt_audit_line *from, const char *event, unsigned long long left_out) {
  bt_buffer line = {0};
  make_line(from, event, left_out, &line);
  pthread_mutex_lock(&audit->mutex);
  int failed = append_line(audit, &line);
  if (!failed && audit->is_strict && fdatasync(audit->fd) != 0 && errno != EINVAL && errno != EROFS) failed = errno;
  if (failed) count_lost(audit, failed);
  pthread_mutex_unlock(&audit->mutex);
  bt_buffer_dispose(&line);
  return !failed;
}

/* ---- calls ---- */

static bt_audit_line line_of(const bt_call *call, bt_str from, int status) {
  return (bt_audit_line){.method = call->method,
                         .path = call->path,
                         .tenant = bt_str_from(bt_call_tenant(call)),
                         .user = call->user ? bt_str_from(call->user) : BT_STR(""),
                         .from = from,
                         .status = status};
}

bool bt_audit_begin(bt_audit *audit, const bt_route *route, bt_call *call, bt_str from) {
  if (!audit->is_strict || !audit->file || !bt_audit_wants(route)) return true;
  bt_audit_line line = line_of(call, from, 0);
  if (put_line(audit, &line, "asked", 0)) return true;
  bt_call_problem(call, 503, "audit",
                  "Nothing was done: the audit log cannot be written, and no call goes on without its line there.");
  return false;
}

void bt_audit_end(bt_audit *audit, const bt_route *route, const bt_call *call, bt_str from) {
  bt_audit_line line = line_of(call, from, call->status);
  if (audit->file && bt_audit_wants(route)) put_line(audit, &line, "called", 0);
}

/* ---- refusals ---- */

/* Whether this one is written; and how many were not since the last. */
static bool take_turn(bt_audit *audit, unsigned long long *left_out) {
  int64_t now_ns = bt_clock_monotonic_ns();
  pthread_mutex_lock(&audit->mutex);
  audit->tokens += (double)(now_ns - audit->refilled_at_ns) / (double)second_ns * A_SECOND;
  if (audit->tokens > BURST) audit->tokens = BURST;
  audit->refilled_at_ns = now_ns;
  bool is_turn = audit->tokens >= 1;
  *left_out = audit->left_out;
  audit->left_out = is_turn ? 0 : audit->left_out + 1;
  if (is_turn) audit->tokens -= 1;
  pthread_mutex_unlock(&audit->mutex);
  return is_turn;
}

void bt_audit_refused(bt_audit *audit, const bt_audit_line *line) {
  unsigned long long left_out;
  if (!take_turn(audit, &left_out)) return;
  if (audit->file) {
    put_line(audit, line, "refused", left_out);
    return;
  }
  /* The log is read by more people than the file: no path, in which who asks may have put a token. */
  bt_log(BT_LOG_WARNING, "a request from %.*s was refused: %d %s (%llu more since the last such line)",
         BT_FMT(line->from), line->status, line->why, left_out);
}
