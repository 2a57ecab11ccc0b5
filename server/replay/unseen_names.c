/* Names inside rules that no trace has. See unseen_names.h. */
#include "server/replay/unseen_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dsl/base/time_sum.h"
#include "dsl/rule/used_names.h"
#include "server/replay/rule_names.h"

static const int64_t DAY_NS = INT64_C(86400) * 1000000000;

/* ---- when was it seen last? ---- */

typedef struct last_seen {
  bt_presence presence; /* before the range */
  int64_t until_ns;     /* THERE: the end of the last day that has it */
} last_seen;

static bt_status look_within(bt_source *source, const bt_replay_request *asked, const bt_used_name *name,
                             bt_time_range range, bt_presence *out, bt_error *error) {
  const bt_known_names none = {.has_some = false};
  bt_replay_request earlier = *asked;
  earlier.range = range;
  return bt_name_presence(source, &earlier, &none, name, out, error);
}

/* The range is known to have it: halved until it is a day. */
static bt_status narrow_down(bt_source *source, const bt_replay_request *asked, const bt_used_name *name,
                             bt_time_range range, last_seen *out, bt_error *error) {
  while (range.end_ns - range.start_ns > DAY_NS) {
    bt_presence later = BT_NAME_UNKNOWN;
    int64_t days = (range.end_ns - range.start_ns) / DAY_NS;
    int64_t middle_ns = range.end_ns - (days / 2 ? days / 2 : 1) * DAY_NS;
    bt_status status = look_within(source, asked, name, (bt_time_range){middle_ns, range.end_ns}, &later, error);
    if (status) return status;
    if (later == BT_NAME_UNKNOWN) return out->presence = BT_NAME_UNKNOWN, BT_OK;
    if (later == BT_NAME_THERE)
      range.start_ns = middle_ns;
    else
      range.end_ns = middle_ns;
  }
  out->until_ns = range.end_ns;
  return BT_OK;
}

/* Of a source that searches. In files the list is of all that there is. */
static bt_status find_last_seen(bt_source *source, const bt_replay_request *asked, const bt_used_name *name,
                                last_seen *out, bt_error *error) {
  bt_time_range before = {bt_time_subtract(asked->range.start_ns, BT_UNSEEN_DAYS * DAY_NS), asked->range.start_ns};
  *out = (last_seen){.presence = BT_NAME_UNKNOWN};
  if (!bt_source_known(source).filters || before.end_ns - before.start_ns < DAY_NS) return BT_OK;
  bt_status status = look_within(source, asked, name, before, &out->presence, error);
  return status || out->presence != BT_NAME_THERE ? status : narrow_down(source, asked, name, before, out, error);
}

/* ---- words ---- */

static void write_last_seen(const last_seen *last, bt_buffer *out) {
  char day[40];
  time_t seconds = (time_t)((last->until_ns - 1) / 1000000000);
  struct tm parts;
  if (last->presence == BT_NAME_ABSENT) bt_buffer_printf(out, ", nor in the %d days before", BT_UNSEEN_DAYS);
  if (last->presence != BT_NAME_THERE || !gmtime_r(&seconds, &parts)) return;
  strftime(day, sizeof day, "%d %B %Y", &parts);
  bt_buffer_printf(out, "; the last one was seen on %s", day + (day[0] == '0'));
}

static void write_name(const bt_used_name *name, bt_buffer *out) {
  static const char *const words[] = {[BT_NAME_SPAN_OR_SERVICE] = "no span and no service is named",
                                      [BT_NAME_SPAN] = "no span is named",
                                      [BT_NAME_SERVICE] = "no service is named",
                                      [BT_NAME_ATTRIBUTE] = "no span has the attribute"};
  bt_buffer_printf(out, "%s %.*s in this range", words[name->kind], BT_FMT(name->name));
}

/* ---- one rule ---- */

static bt_status add_names(bt_used_names *names, const bt_rule *rule, bt_error *error) {
  bt_status status = bt_used_names_add(names, rule->always, error);
  if (!status) status = bt_used_names_add(names, rule->never, error);
  return status ? status : bt_used_names_add(names, rule->condition, error);
}

static bt_status look_for_each(bt_source *source, const bt_replay_request *asked, bt_used_names *names,
                               bt_error *error) {
  bt_known_names known = {0};
  bool is_listed = !bt_source_known(source).filters; /* else searches tell, and lists are not needed */
  bt_status status = is_listed && names->count ? bt_known_names_read(source, asked, &known, error) : BT_OK;
  for (size_t i = 0; i < names->count && !status; i++) {
    names->items[i].presence = BT_NAME_UNKNOWN;
    if (i < BT_UNSEEN_NAMES)
      status = bt_name_presence(source, asked, &known, &names->items[i], &names->items[i].presence, error);
  }
  bt_known_names_dispose(&known);
  return status;
}

bt_status bt_unseen_names_write(bt_source *source, const bt_replay_request *asked, const bt_rule *rule, bt_buffer *out,
                                bt_range *place, bt_error *error) {
  bt_used_names names = {0};
  size_t before = out->len;
  bt_status status = add_names(&names, rule, error);
  if (!status) status = look_for_each(source, asked, &names, error);
  for (size_t i = 0; i < names.count && !status; i++) {
    last_seen last;
    if (names.items[i].presence != BT_NAME_ABSENT) continue;
    status = find_last_seen(source, asked, &names.items[i], &last, error);
    if (out->len == before) *place = names.items[i].place;
    if (out->len > before) bt_buffer_append(out, BT_STR("; "));
    write_name(&names.items[i], out);
    if (!status) write_last_seen(&last, out);
  }
  bt_used_names_dispose(&names);
  return status;
}

/* ---- several ---- */

static bt_status add_note(size_t rule, bt_range place, bt_str text, bt_replay_note **notes, size_t *count,
                          bt_error *error) {
  bt_replay_note *items = bt_realloc_array(*notes, *count + 1, sizeof *items);
  if (!items) return bt_error_no_memory(error);
  *notes = items;
  bt_replay_note *note = &items[(*count)++];
  *note = (bt_replay_note){.rule = rule, .place = place, .is_searched = true};
  bt_str kept = bt_text_cut(text, sizeof note->text - 1);
  memcpy(note->text, kept.ptr, kept.len);
  return BT_OK;
}

bt_status bt_unseen_names_note(bt_source *source, const bt_replay_request *asked, const bool *is_asked,
                               bt_replay_note **notes, size_t *count, bt_error *error) {
  size_t left = bt_source_known(source).filters ? BT_IDLE_EXPLAINED : asked->rule_count;
  bt_status status = BT_OK;
  for (size_t i = 0; i < asked->rule_count && left && !status && *count < BT_REPLAY_NOTES_MAX; i++) {
    bt_buffer text = {0};
    bt_range place = {0};
    if (!is_asked[i]) continue;
    left--;
    status = bt_unseen_names_write(source, asked, asked->rules[i]->rule, &text, &place, error);
    if (!status && text.failed) status = bt_error_no_memory(error);
    if (!status && text.len) status = add_note(i, place, bt_buffer_str(&text), notes, count, error);
    bt_buffer_dispose(&text);
  }
  return status;
}

/* Where a search found something that the rule forbids, its names are there. */
static bool may_lack_names(const bt_replay_result *result, const bt_rule_definition *rule, size_t index) {
  const bt_rule_result *counters = &result->rules[index];
  bool is_clean = !counters->violations_found && !counters->traces_candidate && bt_replay_has_whole(result, index);
  return is_clean && bt_exercise_of_result(result, rule, index) == BT_EXERCISED;
}

bt_status bt_unseen_names_of_replay(bt_source *source, const bt_replay_request *asked, bt_replay_result *result,
                                    bt_error *error) {
  bool *is_asked = calloc(result->rule_count + 1, sizeof *is_asked);
  if (!is_asked) return bt_error_no_memory(error);
  bool is_searched = bt_source_known(source).filters;
  for (size_t i = 0; is_searched && i < result->rule_count; i++)
    is_asked[i] = may_lack_names(result, asked->rules[i], i);
  bt_status status =
      is_searched ? bt_unseen_names_note(source, asked, is_asked, &result->notes, &result->note_count, error) : BT_OK;
  free(is_asked);
  return status;
}

bt_status bt_unseen_names_of_first(bt_source *source, const bt_replay_request *asked, bt_first_result *result,
                                   bt_error *error) {
  bool is_clean = !result->violation && result->outcome == BT_REPLAY_COMPLETED && !result->is_idle;
  if (!is_clean || !bt_source_known(source).filters) return BT_OK;
  return bt_unseen_names_note(source, asked, &is_clean, &result->notes, &result->note_count, error);
}

void bt_rule_words_find(bt_source *source, const bt_replay_request *asked, bt_exercise *exercise, const bool *is_clean,
                        bt_rule_words *out) {
  bt_error why = {0};
  *out = (bt_rule_words){0};
  bt_idle_notes_find(source, asked, exercise, &out->idle, &out->idle_count);
  bt_status status = bt_unseen_names_note(source, asked, is_clean, &out->notes, &out->note_count, &why);
  if (status == BT_NO_MEMORY) out->note_count = 0;
}

void bt_rule_words_dispose(bt_rule_words *words) {
  free(words->idle);
  free(words->notes);
  *words = (bt_rule_words){0};
}
