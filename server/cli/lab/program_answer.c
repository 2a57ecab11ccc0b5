/* What another program said, read from its JSON. See program_answer.h. */
#include "server/cli/lab/program_answer.h"

#include <stdlib.h>
#include <string.h>

#include "dsl/base/arena.h"
#include "dsl/evaluate/eval.h"
#include "server/json/json_values.h"

/* A line of eval, and the answer of a replay. */
#define MOST_LINE_BYTES   ((size_t)64 << 20)
#define MOST_REPLAY_BYTES ((size_t)2 << 30)
enum { MOST_REASONS = 255 };

bt_status bt_program_answer_init(bt_program_answer *answer, const char *const *ids, size_t count, bt_error *error) {
  *answer = (bt_program_answer){.rules = calloc(count + 1, sizeof *answer->rules),
                                .rule_count = count,
                                .places = json_object(),
                                .reasons = json_array(),
                                .idle = json_object()};
  for (size_t i = 0; i < count; i++) bt_json_set(answer->places, ids[i], json_integer((json_int_t)i));
  bt_json_append(answer->reasons, json_string(""));
  bool has_memory = answer->rules && answer->places && answer->idle && json_object_size(answer->places) == count &&
                    json_array_size(answer->reasons) == 1;
  return has_memory ? BT_OK : bt_error_no_memory(error);
}

void bt_program_answer_dispose(bt_program_answer *answer) {
  for (size_t i = 0; i < answer->count; i++) {
    free(answer->told[i].time);
    free(answer->told[i].message);
  }
  free(answer->told);
  free(answer->rules);
  free(answer->stopped);
  json_decref(answer->places);
  json_decref(answer->reasons);
  json_decref(answer->idle);
  bt_buffer_dispose(&answer->text);
  bt_buffer_dispose(&answer->problem);
  *answer = (bt_program_answer){0};
}

/* The first problem counts. */
static void say_problem(bt_program_answer *answer, const char *text) {
  if (answer->problem.len) return;
  if (answer->lines)
    bt_buffer_printf(&answer->problem, "line %zu of its output: %s", answer->lines, text);
  else
    bt_buffer_printf(&answer->problem, "its output: %s", text);
}

const char *bt_program_answer_reason(const bt_program_answer *answer, const bt_told *told) {
  const char *text = json_string_value(json_array_get(answer->reasons, told->reason));
  return text ? text : "";
}

/* ---- one verdict ---- */

static bool read_verdict(const char *word, uint8_t *out) {
  for (int verdict = BT_VIOLATED; word && verdict <= BT_NOT_APPLICABLE; verdict++)
    if (strcmp(word, bt_verdict_name((bt_verdict)verdict)) == 0) return *out = (uint8_t)verdict, true;
  return false;
}

static uint8_t reason_at(bt_program_answer *answer, const char *reason) {
  size_t count = json_array_size(answer->reasons);
  for (size_t i = 0; reason && i < count; i++)
    if (strcmp(json_string_value(json_array_get(answer->reasons, i)), reason) == 0) return (uint8_t)i;
  if (!reason || count > MOST_REASONS) return 0;
  bt_json_append(answer->reasons, json_string(reason));
  return json_array_size(answer->reasons) > count ? (uint8_t)count : 0;
}

static const char *text_of(const json_t *object, const char *name) {
  return json_string_value(json_object_get(object, name));
}

/* -1: no text, or no number that is. */
static json_int_t number_of(const json_t *object, const char *name) {
  const json_t *value = json_object_get(object, name);
  return json_is_integer(value) ? json_integer_value(value) : -1;
}

static char *copy_of(const char *text) {
  return text ? strdup(text) : NULL;
}

/* The rule and the trace of an object; NULL: it names none that was asked for. */
static bt_told *add_told(bt_program_answer *answer, const json_t *object) {
  const char *id = text_of(object, "rule_id"), *trace = text_of(object, "trace_id");
  const json_t *place = id ? json_object_get(answer->places, id) : NULL;
  bt_trace_id trace_id;
  if (!place) return say_problem(answer, "it names a rule that it was not asked for"), NULL;
  if (!trace || !bt_trace_id_parse(bt_str_from(trace), &trace_id))
    return say_problem(answer, "there is no id of a trace"), NULL;
  bt_told *grown = bt_grow_array(answer->told, answer->count, &answer->capacity, sizeof *grown);
  if (!grown) return say_problem(answer, "there is not enough memory for it"), NULL;
  answer->told = grown;
  bt_told *told = &grown[answer->count++];
  *told = (bt_told){.trace_id = trace_id, .rule = (uint32_t)json_integer_value(place)};
  answer->rules[told->rule].is_there = true;
  return told;
}

static void keep_violation(bt_told *told, const json_t *violation) {
  told->time = copy_of(text_of(violation, "time"));
  told->message = copy_of(text_of(violation, "message"));
  told->provisional = json_is_true(json_object_get(violation, "provisional"));
}

/* ---- eval ---- */

static void take_summary(bt_program_answer *answer, const json_t *summary) {
  json_int_t traces = number_of(summary, "traces");
  if (traces < 0 || answer->has_end) {
    say_problem(answer, answer->has_end ? "there is a second summary" : "the summary does not say how many traces");
    return;
  }
  answer->has_end = true;
  answer->traces = (uint64_t)traces;
}

static void take_line(bt_program_answer *answer, bt_str line) {
  answer->lines++;
  if (answer->problem.len || !bt_str_trim(line).len) return;
  json_t *object = json_loadb(line.ptr, line.len, 0, NULL);
  const json_t *summary = json_object_get(object, "summary");
  if (!json_is_object(object)) {
    say_problem(answer, "no JSON object");
  } else if (summary) {
    take_summary(answer, summary);
  } else {
    uint8_t verdict = 0;
    bt_told *told = NULL;
    if (!read_verdict(text_of(object, "verdict"), &verdict))
      say_problem(answer, "a verdict that this program does not know");
    else
      told = add_told(answer, object);
    if (told) told->verdict = verdict;
    if (told) told->reason = reason_at(answer, text_of(object, "reason"));
    if (told && verdict == BT_VIOLATED) keep_violation(told, json_object_get(object, "violation"));
  }
  json_decref(object);
}

void bt_program_answer_take_eval(void *context, bt_str piece) {
  bt_program_answer *answer = context;
  while (piece.len) {
    const char *end = memchr(piece.ptr, '\n', piece.len);
    size_t length = end ? (size_t)(end - piece.ptr) : piece.len, step = end ? length + 1 : length;
    answer->text.maximum = MOST_LINE_BYTES;
    bt_buffer_append(&answer->text, (bt_str){piece.ptr, length});
    if (answer->text.failed) say_problem(answer, "a line is too long, or there is no memory for it");
    if (end) {
      take_line(answer, bt_buffer_str(&answer->text));
      bt_buffer_clear(&answer->text);
    }
    piece = (bt_str){piece.ptr + step, piece.len - step};
  }
}

/* ---- the end ---- */

static int compare_told(const void *left, const void *right) {
  const bt_told *a = left, *b = right;
  if (a->rule != b->rule) return a->rule < b->rule ? -1 : 1;
  return bt_trace_id_compare(&a->trace_id, &b->trace_id);
}

static void sort_told(bt_program_answer *answer) {
  if (answer->count) qsort(answer->told, answer->count, sizeof *answer->told, compare_told);
  for (size_t i = 0; i < answer->count; i++) {
    bt_rule_answer *rule = &answer->rules[answer->told[i].rule];
    if (!rule->told_count++) rule->told = &answer->told[i];
  }
}

void bt_program_answer_end_eval(bt_program_answer *answer) {
  if (answer->text.len) take_line(answer, bt_buffer_str(&answer->text));
  answer->lines = 0;
  if (!answer->has_end) say_problem(answer, "it ends without a summary");
  answer->is_complete = true;
  sort_told(answer);
}

/* ---- replay ---- */

void bt_program_answer_take_replay(void *context, bt_str piece) {
  bt_program_answer *answer = context;
  answer->text.maximum = MOST_REPLAY_BYTES;
  bt_buffer_append(&answer->text, piece);
}

static bool is_exact(const json_t *object, const char *name) {
  const char *kind = text_of(object, name);
  return kind && strcmp(kind, "exact") == 0;
}

static void take_counts(bt_program_answer *answer, const json_t *object) {
  const char *id = text_of(object, "rule_id");
  const json_t *place = id ? json_object_get(answer->places, id) : NULL;
  json_int_t violations = number_of(object, "violations_found"), inconclusive = number_of(object, "inconclusive"),
             evaluated = number_of(object, "traces_evaluated"), exercised = number_of(object, "traces_exercised");
  if (!place) {
    say_problem(answer, "it names a rule that it was not asked for");
    return;
  }
  if (violations < 0 || inconclusive < 0 || evaluated < 0 || exercised < 0) {
    say_problem(answer, "a rule lacks violations_found, inconclusive, traces_evaluated or traces_exercised");
    return;
  }
  bt_rule_answer *rule = &answer->rules[json_integer_value(place)];
  rule->is_there = rule->has_counts = true;
  rule->violations = (uint64_t)violations;
  rule->inconclusive = (uint64_t)inconclusive;
  rule->evaluated = (uint64_t)evaluated;
  rule->exercised = (uint64_t)exercised;
  rule->evaluated_is_exact = is_exact(object, "traces_evaluated_kind");
  rule->exercised_is_exact = is_exact(object, "traces_exercised_kind");
}

static void take_replay(bt_program_answer *answer, const json_t *object) {
  const char *status = text_of(object, "status");
  const json_t *rules = json_object_get(object, "rules"), *violations = json_object_get(object, "violations"), *item;
  size_t index;
  if (!status || !json_is_array(rules) || !json_is_array(violations)) {
    say_problem(answer, "no answer of a replay: status, rules or violations are not there");
    return;
  }
  json_array_foreach(rules, index, item) take_counts(answer, item);
  json_array_foreach(violations, index, item) {
    bt_told *told = add_told(answer, item);
    if (told) told->verdict = BT_VIOLATED;
    if (told) keep_violation(told, item);
  }
  json_array_foreach(json_object_get(object, "unexercised"), index, item) {
    const char *id = text_of(item, "rule_id"), *message = text_of(item, "message");
    if (id && message) bt_json_set(answer->idle, id, json_string(message));
  }
  answer->has_end = true;
  answer->is_complete = strcmp(status, "completed") == 0;
  answer->stopped = answer->is_complete ? NULL : copy_of(text_of(object, "reason"));
}

void bt_program_answer_end_replay(bt_program_answer *answer) {
  json_t *object =
      answer->text.len && !answer->text.failed ? json_loadb(answer->text.ptr, answer->text.len, 0, NULL) : NULL;
  if (answer->text.failed)
    say_problem(answer, "it is too long, or there is no memory for it");
  else if (!json_is_object(object))
    say_problem(answer, "no JSON object");
  else
    take_replay(answer, object);
  json_decref(object);
  bt_buffer_dispose(&answer->text);
  sort_told(answer);
}
