/* /v1/dsl: what an editor asks about a rule's text: the language, completion with names and values of the traces, hover
 * and the canonical form. Nothing is stored. See routes.h. */
#include <stdio.h>

#include "dsl/compile.h"
#include "server/base/clock.h"
#include "server/editor/language.h"
#include "server/editor/own_words.h"
#include "server/editor/text_position.h"
#include "server/http/routes.h"
#include "server/http/store_choice.h"
#include "server/http/service.h"
#include "server/json/editor_json.h"
#include "server/json/json_values.h"
#include "server/query/tag_cache.h"

static const int64_t TAGS_NS = INT64_C(2000000000);         /* for all names and values of one completion */
static const int64_t LOOKED_AT_NS = INT64_C(3600000000000); /* the last hour */
enum { TAGS_LIMIT = 1000 };

void bt_api_dsl_language(void *service, bt_call *call) {
  static const char *const names[] = {NULL};
  (void)service;
  if (bt_call_query_allows(call, names)) bt_call_json(call, 200, bt_language_json());
}

/* ---- the place in the text ---- */

static bool read_number(json_t *body, const char *name, bt_field_errors *errors, size_t *out) {
  json_t *value = json_object_get(body, name);
  if (!value || json_is_null(value)) return false;
  if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > INT32_MAX)
    bt_field_errors_add(errors, name, "has to be a whole number that is not negative");
  else
    *out = (size_t)json_integer_value(value);
  return true;
}

/* The place as bytes: `offset`, or `line` and `column`. */
static void read_place(json_t *body, bt_str text, bt_field_errors *errors, size_t *offset) {
  size_t line = 1, column = 1;
  bool has_offset = read_number(body, "offset", errors, offset);
  bool has_line = read_number(body, "line", errors, &line), has_column = read_number(body, "column", errors, &column);
  if (has_offset == (has_line || has_column) || has_line != has_column)
    bt_field_errors_add(errors, "offset",
                        "the place has to be said: offset in bytes, or line and column (both from 1, in UTF-16)");
  else if (has_offset && *offset > text.len)
    bt_field_errors_add(errors, "offset", "has to be at most %zu, the end of the text", text.len);
  else if (has_line && !bt_text_position_offset(text, (bt_text_position){(uint32_t)line, (uint32_t)column}, offset))
    bt_field_errors_add(errors, "line", "the text has no line %zu with a column %zu", line, column);
}

/* A text and a place in it. NULL: answered. Free the body. */
static json_t *read_text_and_place(bt_call *call, bt_str *text, size_t *offset) {
  static const char *const names[] = {"dsl", "offset", "line", "column", "store", NULL};
  bt_field_errors errors = {0};
  json_t *body = bt_call_body(call, false);
  if (!body) return NULL;
  json_t *dsl = json_object_get(body, "dsl");
  bt_field_errors_unknown(&errors, body, names);
  *text = (bt_str){json_is_string(dsl) ? json_string_value(dsl) : "", json_string_length(dsl)};
  if (!json_is_string(dsl))
    bt_field_errors_add(&errors, "dsl", "has to be there: the rule's text, a string");
  else if (text->len > BT_MAX_RULE_BYTES)
    bt_field_errors_add(&errors, "dsl", "has to be at most %d bytes; %zu came", BT_MAX_RULE_BYTES, text->len);
  else
    read_place(body, *text, &errors, offset);
  if (!bt_call_refuse_fields(call, &errors)) return body;
  json_decref(body);
  return NULL;
}

/* ---- completion ---- */

typedef struct asking {
  const bt_service *service;
  bt_source *source;
  const char *tenant;
  const bt_cancel *cancel;
  int64_t deadline_ns; /* monotonic */
  bool was_asked, is_cut;
  char problem[300]; /* why something is missing; "": nothing is */
} asking;

static bt_tag_scope scope_of(bt_want_of of) {
  switch (of) {
  case BT_WANT_SPAN_NAMES: return BT_TAG_SPAN_NAME;
  case BT_WANT_SERVICES: return BT_TAG_SERVICE_NAME;
  case BT_WANT_STATUS_MESSAGES: return BT_TAG_STATUS_MESSAGE;
  case BT_WANT_SPAN_ATTRIBUTES: return BT_TAG_SPAN;
  case BT_WANT_RESOURCE_ATTRIBUTES: return BT_TAG_RESOURCE;
  case BT_WANT_EVENT_ATTRIBUTES: return BT_TAG_EVENT;
  case BT_WANT_LINK_ATTRIBUTES: return BT_TAG_LINK;
  case BT_WANT_SCOPE_ATTRIBUTES: return BT_TAG_SCOPE;
  case BT_WANT_ANY_ATTRIBUTES: break;
  }
  return BT_TAG_ANY;
}

static bt_tag_request request_of(const asking *ask, const bt_completion_want *want) {
  int64_t now_ns = bt_clock_wall_ns(), left_ns = ask->deadline_ns - bt_clock_monotonic_ns();
  bool is_static = bt_source_known(ask->source).is_static;
  return (bt_tag_request){.scope = scope_of(want->of),
                          .key = want->key,
                          .range = is_static ? (bt_time_range){0, INT64_MAX}
                                             : (bt_time_range){now_ns - LOOKED_AT_NS, now_ns},
                          .limit = TAGS_LIMIT,
                          .timeout_ms = left_ns > 1000000 ? left_ns / 1000000 : 1,
                          .tenant = ask->tenant,
                          .cancel = ask->cancel};
}

/* A name has type string, whatever the source says. */
static bt_status add_answer(asking *ask, bt_completion *completion, const bt_completion_want *want, bt_error *error) {
  const char *problem;
  bt_status status = BT_OK;
  if (want->key.ptr && !want->key.len) return BT_OK; /* no attribute has an empty key */
  bt_tag_request request = request_of(ask, want);
  bt_cached_tags *tags = bt_tag_cache_get(ask->service->tags, ask->source, &request);
  if (!tags) return bt_error_no_memory(error);
  const bt_tag_list *list = bt_cached_tags_list(tags, &problem);
  if (!list && !ask->problem[0])
    snprintf(ask->problem, sizeof ask->problem, "%s", problem[0] ? problem : "the source did not say why");
  for (size_t i = 0; list && i < list->count && !status; i++)
    status = bt_completion_add(completion, want, list->items[i].text,
                               want->key.ptr ? list->items[i].type : BT_VALUE_STRING, error);
  ask->is_cut = ask->is_cut || (list && list->is_cut);
  bt_cached_tags_unref(tags);
  return status;
}

static void answer_completion(bt_call *call, bt_str text, const bt_completion *completion, const asking *ask) {
  const char *tags = !ask->was_asked ? "not_needed" : ask->problem[0] ? "unavailable" : "ok";
  bool is_whole = !completion->is_cut && !ask->is_cut && !ask->problem[0];
  json_t *problem = ask->problem[0] ? json_string(ask->problem) : json_null();
  bt_call_json(call, 200,
               json_pack("{s:o, s:o, s:b, s:s, s:o}", "range", bt_text_range_json(text, completion->range), "items",
                         bt_completion_items_json(completion), "complete", is_whole, "tags", tags, "tags_problem",
                         problem));
}

static void complete_text(const bt_service *service, bt_source *source, bt_call *call, bt_str text, size_t offset) {
  asking ask = {.service = service,
                .source = source,
                .tenant = call->tenant,
                .cancel = bt_call_cancel(call),
                .deadline_ns = bt_clock_monotonic_ns() + TAGS_NS};
  bt_completion completion;
  bt_error error = {0};
  bt_status status = bt_completion_run(text, offset, NULL, &completion, &error);
  ask.was_asked = completion.want_count > 0;
  for (size_t i = 0; i < completion.want_count && !status; i++)
    status = add_answer(&ask, &completion, &completion.wants[i], &error);
  if (status) {
    bt_call_error(call, status, &error);
  } else {
    bt_completion_sort(&completion);
    answer_completion(call, text, &completion, &ask);
  }
  bt_completion_dispose(&completion);
}

void bt_api_dsl_complete(void *service, bt_call *call) {
  bt_str text;
  size_t offset = 0;
  json_t *body = read_text_and_place(call, &text, &offset);
  if (!body) return;
  bt_field_errors errors = {0};
  bt_source *source = bt_body_store(service, call, body, NULL, 0, &errors);
  if (!bt_call_refuse_fields(call, &errors)) complete_text(service, source, call, text, offset);
  json_decref(body);
}

/* ---- hover ---- */

/* What @alias and @name of the text say. */
static void answer_own_word(bt_call *call, bt_str text, size_t offset) {
  bt_own_word own;
  bt_error error = {0};
  bool found = false;
  bt_status status = bt_own_word_of(text, offset, NULL, &found, &own, &error);
  if (status)
    bt_call_error(call, status, &error);
  else if (found)
    bt_call_json(call, 200,
                 json_pack("{s:o, s:o, s:s, s:o, s:o}", "range", bt_text_range_json(text, own.range), "name",
                           bt_text_json(own.word), "class", own.is_alias ? "alias" : "name", "signature",
                           bt_text_json(bt_buffer_str(&own.signature)), "doc", bt_text_json(bt_buffer_str(&own.doc))));
  else
    bt_call_json(call, 200, json_pack("{s:n, s:n, s:n, s:n, s:n}", "range", "name", "class", "signature", "doc"));
  bt_own_word_dispose(&own);
}

void bt_api_dsl_hover(void *service, bt_call *call) {
  bt_str text;
  size_t offset = 0;
  bt_language_word word;
  bt_range range;
  (void)service;
  json_t *body = read_text_and_place(call, &text, &offset);
  if (!body) return;
  if (bt_language_at(text, offset, &range, &word))
    bt_call_json(call, 200,
                 json_pack("{s:o, s:s, s:s, s:s, s:s}", "range", bt_text_range_json(text, range), "name", word.name,
                           "class", bt_word_class_name(word.class), "signature", word.signature, "doc",
                           word.doc ? word.doc : ""));
  else
    answer_own_word(call, text, offset);
  json_decref(body);
}

/* ---- the canonical form ---- */

static void format_text(bt_call *call, bt_str text) {
  bt_buffer out = {0};
  bt_diagnostics diagnostics;
  bt_error error = {0};
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_format(text, &out, &diagnostics, &error);
  if (!status && out.failed) status = bt_error_no_memory(&error);
  if (!status)
    bt_call_json(call, 200,
                 json_pack("{s:s%, s:b}", "formatted", out.ptr ? out.ptr : "", out.len, "changed",
                           !bt_str_equal(bt_buffer_str(&out), text)));
  else if (status == BT_INVALID)
    bt_call_problem_with(call, 422, "rule-invalid", bt_positioned_diagnostics_json(text, &diagnostics),
                         "The text has %zu error%s and stays as it is.", diagnostics.error_count,
                         diagnostics.error_count == 1 ? "" : "s");
  else
    bt_call_error(call, status, &error);
  bt_diagnostics_dispose(&diagnostics);
  bt_buffer_dispose(&out);
}

void bt_api_dsl_format(void *service, bt_call *call) {
  static const char *const names[] = {"dsl", NULL};
  bt_field_errors errors = {0};
  (void)service;
  json_t *body = bt_call_body(call, false);
  if (!body) return;
  json_t *dsl = json_object_get(body, "dsl");
  bt_field_errors_unknown(&errors, body, names);
  if (!json_is_string(dsl)) bt_field_errors_add(&errors, "dsl", "has to be there: the rule's text, a string");
  if (!bt_call_refuse_fields(call, &errors))
    format_text(call, (bt_str){json_string_value(dsl), json_string_length(dsl)});
  json_decref(body);
}
