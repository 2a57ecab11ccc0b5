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
  int fd;                /* -1: none */
  double tokens;         /* refusals that may be written now */
  int64_t refilled_at_ns, complained_at_ns;
  unsigned long long left_out, lost; /* refusals since the last that was written; lines that the file did not take */
};

bt_status bt_audit_reopen(bt_audit *audit, bt_error *error) {
  if (!audit->file) return BT_OK;
  int fresh = open(audit->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fresh < 0)
    return bt_error_set(error, BT_IO, "the audit log %s cannot be written: %s", audit->file, strerror(errno));
  pthread_mutex_lock(&audit->mutex);
  int old = audit->fd;
  audit->fd = fresh;
  pthread_mutex_unlock(&audit->mutex);
  if (old >= 0) close(old);
  return BT_OK;
}

bt_status bt_audit_new(const char *file, bt_audit **out, bt_error *error) {
  *out = NULL;
  bt_audit *audit = calloc(1, sizeof *audit);
  if (!audit) return bt_error_no_memory(error);
  pthread_mutex_init(&audit->mutex, NULL);
  audit->fd = -1;
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

static void make_line(const bt_audit_line *from, unsigned long long left_out, bt_buffer *line) {
  char time_text[40];
  bt_time_format(bt_clock_wall_ns(), time_text);
  bt_buffer_printf(line, "{\"time\":\"%s\",\"event\":\"%s\"", time_text, from->why ? "refused" : "called");
  append_text(line, "user", from->user);
  append_text(line, "tenant", from->tenant);
  append_text(line, "method", from->method);
  append_text(line, "path", from->path);
  bt_buffer_printf(line, ",\"status\":%d", from->status);
  if (from->why) append_text(line, "why", bt_str_from(from->why));
  append_text(line, "from", from->from);
  if (left_out) bt_buffer_printf(line, ",\"left_out\":%llu", left_out);
  bt_buffer_append(line, BT_STR("}\n"));
}

/* Under the lock. */
static void count_lost(bt_audit *audit) {
  int64_t now_ns = bt_clock_monotonic_ns();
  audit->lost++;
  if (audit->complained_at_ns && now_ns - audit->complained_at_ns < COMPLAIN_S * second_ns) return;
  audit->complained_at_ns = now_ns;
  bt_log(BT_LOG_ERROR, "the audit log %s cannot be written: %s; %llu lines are lost so far", audit->file,
         strerror(errno), audit->lost);
}

static void put_line(bt_audit *audit, const bt_audit_line *from, unsigned long long left_out) {
  bt_buffer line = {0};
  make_line(from, left_out, &line);
  pthread_mutex_lock(&audit->mutex);
  if (line.failed || write(audit->fd, line.ptr, line.len) != (ssize_t)line.len) count_lost(audit);
  pthread_mutex_unlock(&audit->mutex);
  bt_buffer_dispose(&line);
}

void bt_audit_write(bt_audit *audit, const bt_audit_line *line) {
  if (audit->file) put_line(audit, line, 0);
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
    put_line(audit, line, left_out);
    return;
  }
  /* The log is read by more people than the file: no path, in which who asks may have put a token. */
  bt_log(BT_LOG_WARNING, "a request from %.*s was refused: %d %s (%llu more since the last such line)",
         BT_FMT(line->from), line->status, line->why, left_out);
}
