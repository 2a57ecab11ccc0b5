/* Links to traces. See trace_link.h. */
#include "server/replay/trace_link.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/base/time_text.h"

#define AROUND_MS INT64_C(3600000)

static char installed[BT_TRACE_LINK_BYTES + 1];

typedef enum place {
  PLACE_TRACE_ID,
  PLACE_SPAN_ID,
  PLACE_START_MS,
  PLACE_END_MS,
  PLACE_START_TIME,
  PLACE_END_TIME,
  PLACES
} place;
static const char *const place_names[PLACES] = {"{trace_id}", "{span_id}",    "{start_ms}",
                                                "{end_ms}",   "{start_time}", "{end_time}"};

/* PLACES: it begins with none. */
static place place_at(const char *text) {
  for (int i = 0; i < PLACES; i++)
    if (strncmp(text, place_names[i], strlen(place_names[i])) == 0) return (place)i;
  return PLACES;
}

/* Behind "http://"; NULL: it is another URL. */
static const char *authority_of(const char *url) {
  if (strncmp(url, "http://", 7) == 0) return url + 7;
  return strncmp(url, "https://", 8) == 0 ? url + 8 : NULL;
}

/* What a URL is written with, so that a terminal, a page and a log show it as it is. */
static bool is_url_text(const char *text) {
  for (; *text; text++)
    if (*text <= ' ' || *text > '~' || strchr("\"<>\\^`|", *text)) return false;
  return true;
}

bool bt_trace_link_is_valid(const char *template) {
  const char *authority = authority_of(template);
  size_t length = authority ? strcspn(authority, "/?#") : 0;
  bool has_trace_id = false;
  /* A user or a password would come out in every answer, and no place may name the host. */
  if (!length || strcspn(authority, "@{}") < length) return false;
  if (strlen(template) > BT_TRACE_LINK_BYTES || !is_url_text(template)) return false;
  for (const char *at = strpbrk(template, "{}"); at; at = strpbrk(at, "{}")) {
    place found = place_at(at);
    if (found == PLACES) return false;
    has_trace_id = has_trace_id || found == PLACE_TRACE_ID;
    at += strlen(place_names[found]);
  }
  return has_trace_id;
}

void bt_trace_link_install(const char *template) {
  snprintf(installed, sizeof installed, "%s", template ? template : "");
}

/* "2026-01-01T11:00:00.123Z" */
static void append_time(int64_t ms, bt_buffer *out) {
  char text[40];
  bt_time_format(ms * 1000000, text);
  bt_buffer_printf(out, "%.23sZ", text);
}

static void append_place(place which, const bt_violation *violation, bt_buffer *out) {
  char trace_id[BT_TRACE_ID_HEX + 1], span_id[BT_SPAN_ID_HEX + 1] = "";
  int64_t time_ms = violation->time_ns / 1000000, end_ms = time_ms + AROUND_MS;
  int64_t start_ms = time_ms > AROUND_MS ? time_ms - AROUND_MS : 0;
  bt_trace_id_format(&violation->trace_id, trace_id);
  if (!bt_span_id_is_zero(&violation->span_id)) bt_span_id_format(&violation->span_id, span_id);
  switch (which) {
  case PLACE_TRACE_ID: bt_buffer_append(out, bt_str_from(trace_id)); break;
  case PLACE_SPAN_ID: bt_buffer_append(out, bt_str_from(span_id)); break;
  case PLACE_START_MS: bt_buffer_printf(out, "%" PRId64, start_ms); break;
  case PLACE_END_MS: bt_buffer_printf(out, "%" PRId64, end_ms); break;
  case PLACE_START_TIME: append_time(start_ms, out); break;
  case PLACE_END_TIME: append_time(end_ms, out); break;
  case PLACES: break;
  }
}

void bt_trace_link_append(const char *before, const bt_violation *violation, const char *after, bt_buffer *out) {
  if (!installed[0]) return;
  bt_buffer_append(out, bt_str_from(before));
  for (const char *at = installed; *at;) {
    size_t plain = strcspn(at, "{");
    bt_buffer_append(out, (bt_str){at, plain});
    at += plain;
    if (!*at) break;
    place found = place_at(at);
    append_place(found, violation, out);
    at += found == PLACES ? 1 : strlen(place_names[found]);
  }
  bt_buffer_append(out, bt_str_from(after));
}
