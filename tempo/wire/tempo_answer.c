/* What an answer of Tempo means. See tempo_answer.h. The sentences are those of Tempo 2.8, 2.10 and 3.0 (facts_*.py
 * hold them). */
#include "tempo/wire/tempo_answer.h"

#include <stdio.h>
#include <string.h>

enum { SENTENCE_MAX = 120 };

static bt_tempo_meaning meaning_of_400(bt_str body) {
  if (bt_str_contains(body, BT_STR("range specified by start and end exceeds"))) return BT_MEANS_RANGE_TOO_LONG;
  if (bt_str_contains(body, BT_STR("exceeds max limit"))) return BT_MEANS_LIMIT_TOO_HIGH;
  if (bt_str_contains(body, BT_STR("exceeds the configured maximum size"))) return BT_MEANS_QUERY_TOO_LONG;
  return BT_MEANS_REFUSED;
}

static bt_tempo_meaning meaning_of_5xx(bt_str body) {
  bool too_large =
      bt_str_contains(body, BT_STR("larger than the max")) || bt_str_contains(body, BT_STR("message larger than max"));
  bool stumbles = bt_str_contains(body, BT_STR("unexpected numbers of pre-compiled regexp")) ||
                  bt_str_contains(body, BT_STR("array operators must consist of a scalar and an array operand"));
  /* live_store.fail_on_high_lag: "error querying live-stores in Querier.SearchRecent: rpc error: code = Unknown desc =
   * …" */
  bool lags = bt_str_contains(body, BT_STR("cannot guarantee complete results"));
  if (too_large) return BT_MEANS_TOO_LARGE;
  if (stumbles) return BT_MEANS_STUMBLES;
  return lags ? BT_MEANS_LAGGING : BT_MEANS_PASSING;
}

bt_tempo_meaning bt_tempo_meaning_of(const bt_http_response *response) {
  bt_str body = bt_buffer_str(&response->body);
  int status = response->status;
  if (status == 200) return BT_MEANS_ANSWER;
  if (status == 400) return meaning_of_400(body);
  if (status == 413 || status == 414 || status == 431) return BT_MEANS_QUERY_TOO_LONG;
  if (status == 408 || status == 429) return BT_MEANS_PASSING;
  if (status >= 500) return meaning_of_5xx(body);
  return BT_MEANS_REFUSED;
}

bool bt_tempo_is_too_large(const bt_http_response *response) {
  return bt_tempo_meaning_of(response) == BT_MEANS_TOO_LARGE;
}

bool bt_tempo_wants_tenant(const bt_http_response *response) {
  return response->status == 401 && bt_str_contains(bt_buffer_str(&response->body), BT_STR("no org id"));
}

/* What to do about a refusal that no query can mend. */
static const char *choose_advice(const bt_http_response *response) {
  if (bt_tempo_wants_tenant(response))
    return ": this Tempo has several tenants and none was named; set --tenant, or send X-Scope-OrgID";
  if (response->status == 401)
    return ": it wants credentials, or others; set --tempo-user with --tempo-password-file, or --tempo-token-file";
  if (response->status == 403) return ": these credentials may not read there";
  if (response->status == 404) return ": nothing is at this address; is the path before /api/ right?";
  return "";
}

void bt_tempo_describe(const bt_http_response *response, char *out, size_t capacity) {
  if (bt_tempo_meaning_of(response) == BT_MEANS_LAGGING) {
    snprintf(out, capacity,
             "Tempo's live store lags behind what was sent to it and cannot answer in full: try again in a minute");
    return;
  }
  char sentence[SENTENCE_MAX + 1] = "";
  size_t length = 0;
  bt_str body = bt_buffer_str(&response->body);
  bool is_plain = strncmp(response->content_type, "text/plain", 10) == 0;
  while (response->status == 400 && is_plain && length < SENTENCE_MAX && length < body.len) {
    char c = body.ptr[length];
    if (c < ' ' || c > '~') break; /* one line, and nothing that a terminal would act on */
    sentence[length++] = c;
  }
  sentence[length] = '\0';
  snprintf(out, capacity, "Tempo answered %d%s%s%s", response->status, length ? ": " : "", sentence,
           choose_advice(response));
}

bool bt_tempo_content(const bt_http_response *response, bool *is_json) {
  bt_str type = bt_str_from(response->content_type);
  const char *semicolon = memchr(type.ptr, ';', type.len);
  if (semicolon) type.len = (size_t)(semicolon - type.ptr);
  while (type.len && type.ptr[type.len - 1] == ' ') type.len--;
  *is_json = bt_str_equal_nocase(type, BT_STR("application/json"));
  return *is_json || bt_str_equal_nocase(type, BT_STR("application/protobuf"));
}

static bt_str text_after(bt_str body, bt_str marker) {
  const char *at = body.len ? memmem(body.ptr, body.len, marker.ptr, marker.len) : NULL;
  if (!at) return (bt_str){0};
  const char *rest = at + marker.len;
  return (bt_str){rest, (size_t)(body.ptr + body.len - rest)};
}

/* Reads digits off the front; false: none, or more than fit into twelve digits. */
static bool take_number(bt_str *s, int64_t *number) {
  size_t digits = 0;
  *number = 0;
  while (digits < s->len && s->ptr[digits] >= '0' && s->ptr[digits] <= '9') {
    if (digits == 12) return false;
    *number = *number * 10 + (s->ptr[digits++] - '0');
  }
  *s = (bt_str){s->ptr + digits, s->len - digits};
  return digits > 0;
}

int64_t bt_tempo_number_after(bt_str body, bt_str marker) {
  bt_str rest = text_after(body, marker);
  int64_t number = 0;
  return take_number(&rest, &number) ? number : 0;
}

int64_t bt_tempo_duration_s_after(bt_str body, bt_str marker) {
  bt_str rest = text_after(body, marker);
  int64_t seconds = 0, number = 0;
  while (take_number(&rest, &number) && rest.len) {
    int64_t unit = rest.ptr[0] == 'h' ? 3600 : rest.ptr[0] == 'm' ? 60 : rest.ptr[0] == 's' ? 1 : 0;
    if (!unit) break;
    seconds += number * unit;
    rest = (bt_str){rest.ptr + 1, rest.len - 1};
  }
  return seconds;
}
