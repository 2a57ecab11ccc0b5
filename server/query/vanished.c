/* What went and what came. See vanished.h. */
#include "server/query/vanished.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/base/near_names.h"
#include "dsl/rule/rule_walk.h"
#include "dsl/rule/used_names.h"

enum { MOST_MARKS = 100000, LONGEST_TEXT = 200, ARENA_BYTES = 64 << 20 };
static const double NEAR_BONUS = 0.6;

const char *bt_seen_kind_name(bt_seen_kind kind) {
  static const char *const names[] = {"span", "service", "attribute", "value"};
  return names[kind];
}

/* ---- counting ---- */

static bt_status make_mark(bt_seen_tally *tally, bt_str joined, size_t service, size_t key, bt_error *error) {
  bt_str text;
  uint32_t symbol;
  bt_seen_mark *marks = bt_grow_array(tally->marks, tally->count, &tally->capacity, sizeof *marks);
  if (!marks) return bt_error_no_memory(error);
  tally->marks = marks;
  if (!bt_arena_copy(&tally->arena, joined, &text) || !bt_symbols_add(&tally->symbols, text, &symbol))
    return bt_error_no_memory(error);
  marks[tally->count++] = (bt_seen_mark){.kind = (bt_seen_kind)(joined.ptr[0] - '0'),
                                         .service = {text.ptr + 2, service},
                                         .key = {text.ptr + 3 + service, key},
                                         .text = {text.ptr + 4 + service + key, text.len - 4 - service - key}};
  return BT_OK;
}

/* Once for each trace. What is too long is not looked at. */
static bt_status count_mark(bt_seen_tally *tally, int time, bt_seen_kind kind, bt_str service, bt_str key, bt_str text,
                            bt_error *error) {
  char joined[3 * LONGEST_TEXT + 8];
  bt_status status = BT_OK;
  if (!text.len || text.len > LONGEST_TEXT || service.len > LONGEST_TEXT || key.len > LONGEST_TEXT) return BT_OK;
  size_t length = 0;
  const bt_str parts[] = {service, key, text};
  joined[length++] = (char)('0' + kind);
  for (int i = 0; i < 3; i++) {
    joined[length++] = '\x1f';
    if (parts[i].len) memcpy(joined + length, parts[i].ptr, parts[i].len);
    length += parts[i].len;
  }
  bt_str whole = {joined, length};
  uint32_t symbol = bt_symbols_find(&tally->symbols, whole);
  if (symbol == BT_NO_SYMBOL && tally->count == MOST_MARKS) return tally->is_full = true, BT_OK;
  if (symbol == BT_NO_SYMBOL) status = make_mark(tally, whole, service.len, key.len, error);
  if (status) return status;
  bt_seen_mark *mark = &tally->marks[symbol == BT_NO_SYMBOL ? tally->count - 1 : symbol - 1];
  if (mark->last != tally->number) mark->traces[time]++;
  mark->last = tally->number;
  return BT_OK;
}

static bt_status count_attributes(bt_seen_tally *tally, int time, bt_str service, const bt_attributes *attributes,
                                  bt_error *error) {
  bt_status status = BT_OK;
  for (uint32_t i = 0; i < attributes->count && !status; i++) {
    const bt_attribute *one = &attributes->items[i];
    status = count_mark(tally, time, BT_SEEN_KEY, service, BT_STR(""), one->key, error);
    if (!status && one->value.type == BT_VALUE_STRING)
      status = count_mark(tally, time, BT_SEEN_VALUE, service, one->key, one->value.string, error);
  }
  return status;
}

bt_status bt_seen_tally_add(bt_seen_tally *tally, const bt_trace *trace, int time, bt_error *error) {
  bt_status status = BT_OK;
  if (!tally->arena.cap_bytes) bt_arena_init(&tally->arena, ARENA_BYTES);
  tally->number++;
  tally->traces[time]++;
  for (uint32_t i = 0; i < trace->span_count && !status; i++) {
    const bt_span *span = &trace->spans[i];
    bt_str service = span->resource->service;
    status = count_mark(tally, time, BT_SEEN_SPAN, service, BT_STR(""), span->name, error);
    if (!status) status = count_mark(tally, time, BT_SEEN_SERVICE, BT_STR(""), BT_STR(""), service, error);
    if (!status) status = count_attributes(tally, time, service, &span->attributes, error);
    if (!status) status = count_attributes(tally, time, service, &span->resource->attributes, error);
  }
  return status;
}

void bt_seen_tally_dispose(bt_seen_tally *tally) {
  bt_symbols_dispose(&tally->symbols);
  if (tally->arena.cap_bytes) bt_arena_dispose(&tally->arena);
  free(tally->marks);
  *tally = (bt_seen_tally){0};
}

/* ---- what went ---- */

typedef struct finding {
  const bt_seen_tally *tally;
  bt_vanished *out;
  size_t count;
} finding;

static bool is_meant(const bt_seen_mark *mark, bt_seen_kind kind, bt_str key, bt_str text) {
  return mark->kind == kind && bt_str_equal(mark->text, text) &&
         (kind != BT_SEEN_VALUE || bt_str_equal(mark->key, key));
}

/* In whichever services: gone is what none of them has any more. */
static void consider_name(finding *f, bt_seen_kind kind, bt_str key, bt_str text) {
  const bt_seen_mark *most = NULL;
  uint32_t before = 0;
  if (f->count == BT_WENT_MOST) return;
  for (size_t i = 0; i < f->count; i++)
    if (f->out[i].kind == kind && bt_str_equal(f->out[i].text, text) && bt_str_equal(f->out[i].key, key)) return;
  for (size_t i = 0; i < f->tally->count; i++) {
    const bt_seen_mark *mark = &f->tally->marks[i];
    if (!is_meant(mark, kind, key, text)) continue;
    if (mark->traces[BT_SEEN_SINCE]) return;
    before += mark->traces[BT_SEEN_BEFORE];
    if (!most || mark->traces[BT_SEEN_BEFORE] > most->traces[BT_SEEN_BEFORE]) most = mark;
  }
  if (most)
    f->out[f->count++] =
        (bt_vanished){.kind = kind, .service = most->service, .key = key, .text = text, .before = before};
}

static void visit_predicate(void *context, const bt_predicate *predicate) {
  finding *f = context;
  if (predicate->kind != BT_PREDICATE_COMPARE || predicate->comparison.op != BT_EQUAL) return;
  const bt_expression *left = predicate->comparison.left, *right = predicate->comparison.right;
  bool is_attribute = left->kind == BT_EXPRESSION_FIELD &&
                      (left->field.kind == BT_FIELD_SPAN_ATTRIBUTE || left->field.kind == BT_FIELD_RESOURCE_ATTRIBUTE ||
                       left->field.kind == BT_FIELD_EITHER_ATTRIBUTE);
  bool is_text = right && right->kind == BT_EXPRESSION_LITERAL && right->literal.type == BT_VALUE_STRING;
  if (is_attribute && is_text) consider_name(f, BT_SEEN_VALUE, left->field.key, right->literal.string);
}

/* Names and keys before values: a value goes with its key. */
static bt_status consider_all(finding *f, const bt_condition *condition, bt_error *error) {
  bt_used_names names = {0};
  bt_status status = bt_used_names_add(&names, condition, error);
  for (size_t i = 0; i < names.count && !status; i++) {
    bt_name_kind kind = names.items[i].kind;
    bt_str name = names.items[i].name, none = BT_STR("");
    if (kind == BT_NAME_ATTRIBUTE) consider_name(f, BT_SEEN_KEY, none, name);
    if (kind == BT_NAME_SPAN || kind == BT_NAME_SPAN_OR_SERVICE) consider_name(f, BT_SEEN_SPAN, none, name);
    if (kind == BT_NAME_SERVICE || kind == BT_NAME_SPAN_OR_SERVICE) consider_name(f, BT_SEEN_SERVICE, none, name);
  }
  const bt_rule_visitor visitor = {.on_predicate = visit_predicate, .context = f};
  if (!status && !f->count) bt_condition_walk(condition, &visitor);
  bt_used_names_dispose(&names);
  return status;
}

/* ---- what came ---- */

static bool was_in(const finding *f, const bt_vanished *went, bt_str service) {
  if (went->kind == BT_SEEN_SERVICE) return true;
  for (size_t i = 0; i < f->tally->count; i++)
    if (is_meant(&f->tally->marks[i], went->kind, went->key, went->text) &&
        bt_str_equal(f->tally->marks[i].service, service))
      return true;
  return false;
}

static bool is_candidate(const finding *f, const bt_vanished *went, const bt_seen_mark *mark) {
  if (mark->kind != went->kind || mark->traces[BT_SEEN_BEFORE] || !mark->traces[BT_SEEN_SINCE]) return false;
  if (went->kind == BT_SEEN_VALUE && !bt_str_equal(mark->key, went->key)) return false;
  return was_in(f, went, mark->service);
}

/* 1: as many of the traces as had what went. */
static double likelihood_of(const finding *f, const bt_vanished *went, const bt_seen_mark *mark) {
  bt_near_names near = {.count = 0};
  double before = (double)went->before / f->tally->traces[BT_SEEN_BEFORE];
  double since = (double)mark->traces[BT_SEEN_SINCE] / f->tally->traces[BT_SEEN_SINCE];
  bool is_near = bt_near_names_consider(&near, went->text, mark->text) < BT_NEAR_NAMES;
  return (before < since ? before / since : since / before) + (is_near ? NEAR_BONUS : 0);
}

static void find_came(const finding *f, bt_vanished *went) {
  double likelihood[BT_CAME_MOST] = {0};
  for (size_t i = 0; i < f->tally->count; i++) {
    const bt_seen_mark *mark = &f->tally->marks[i];
    if (!is_candidate(f, went, mark)) continue;
    double own = likelihood_of(f, went, mark);
    size_t place = went->came_count;
    while (place && own > likelihood[place - 1]) place--;
    if (place == BT_CAME_MOST) continue;
    if (went->came_count < BT_CAME_MOST) went->came_count++;
    for (size_t k = went->came_count - 1; k > place; k--) {
      went->came[k] = went->came[k - 1];
      likelihood[k] = likelihood[k - 1];
    }
    went->came[place] = mark;
    likelihood[place] = own;
  }
}

bt_status bt_vanished_find(const bt_seen_tally *tally, const bt_condition *condition, bt_vanished out[BT_WENT_MOST],
                           size_t *count, bt_error *error) {
  finding f = {.tally = tally, .out = out};
  bt_status status = BT_OK;
  if (tally->traces[BT_SEEN_BEFORE] && tally->traces[BT_SEEN_SINCE]) status = consider_all(&f, condition, error);
  for (size_t i = 0; i < f.count; i++) find_came(&f, &out[i]);
  *count = f.count;
  return status;
}

void bt_seen_write(bt_seen_kind kind, bt_str service, bt_str key, bt_str text, bt_buffer *out) {
  bt_buffer_printf(out, "%s ", kind == BT_SEEN_VALUE ? "the value" : bt_seen_kind_name(kind));
  if (kind == BT_SEEN_VALUE) bt_buffer_printf(out, "%.*s = ", BT_FMT(key));
  bt_buffer_append(out, text);
  if (kind != BT_SEEN_SERVICE && service.len) bt_buffer_printf(out, " (in %.*s)", BT_FMT(service));
}
