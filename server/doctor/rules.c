/* The rules of the facts, made from their templates: compiled, planned by today's planner, and judged on every probe
 * by today's evaluator. */
#include <stdlib.h>
#include <string.h>

#include "dsl/compile.h"
#include "server/base/eval_limit.h"
#include "server/doctor/doctor_parts.h"

/* ---- texts ---- */

/* `span.attributes["http.method"]`: a form that takes every key. */
static void write_field(const bt_probe_key *key, bt_buffer *out) {
  bt_buffer_append(out, key->is_of_resource ? BT_STR("resource.attributes[\"") : BT_STR("span.attributes[\""));
  for (size_t i = 0; i < key->key.len; i++) {
    if (key->key.ptr[i] == '"' || key->key.ptr[i] == '\\') bt_buffer_append_char(out, '\\');
    bt_buffer_append_char(out, key->key.ptr[i]);
  }
  bt_buffer_append(out, BT_STR("\"]"));
}

/* The template with every mark replaced. */
static void write_replaced(const char *template, const char *mark, bt_str by, bt_buffer *out) {
  for (const char *at; (at = strstr(template, mark)); template = at + strlen(mark)) {
    bt_buffer_append(out, (bt_str){template, (size_t)(at - template)});
    bt_buffer_append(out, by);
  }
  bt_buffer_append(out, bt_str_from(template));
}

/* ---- one rule ---- */

static bt_status compile_rule(bt_doctor_rule *made, bt_error *error) {
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  bt_status status = bt_rule_compile(bt_str_from(made->text), &made->rule, &diagnostics, error);
  if (status == BT_INVALID) {
    bt_buffer why = {0};
    bt_diagnostics_print(&diagnostics, bt_str_from(made->text), "<doctor>", &why);
    status = bt_error_set(error, BT_CONFLICT, "a rule of the doctor's own does not compile: %.400s",
                          why.ptr ? why.ptr : made->text);
    bt_buffer_dispose(&why);
  }
  bt_diagnostics_dispose(&diagnostics);
  return status;
}

bt_status bt_doctor_judge(const bt_doctor_rule *rule, const bt_trace *trace, const bt_rule_verdict **out,
                          bt_error *error) {
  bt_eval_limit limit = {0};
  return bt_eval_run_within(&limit, rule->evaluator, trace, NULL, out, error);
}

static bt_status judge_probes(const bt_probes *probes, bt_doctor_rule *made, bt_error *error) {
  const bt_rule_verdict *verdict = NULL;
  bt_status status = BT_OK;
  for (size_t i = 0; status == BT_OK && i < probes->count; i++) {
    status = bt_doctor_judge(made, probes->items[i].trace, &verdict, error);
    if (status != BT_OK) return status;
    if (verdict->verdict == BT_VIOLATED) made->violated |= UINT64_C(1) << i;
    if (verdict->exercised == BT_TRUE) made->exercised |= UINT64_C(1) << i;
  }
  return status;
}

static bt_status make_rule(const bt_doctor *doctor, bt_doctor_rule *made, bt_error *error) {
  bt_status status = compile_rule(made, error);
  const bt_rule *rule = made->rule;
  if (status == BT_OK) status = bt_plan_new(rule, bt_source_dialect(doctor->options->store), &made->plan, error);
  if (status == BT_OK) status = bt_projection_add(&made->projection, rule, error);
  if (status == BT_OK) status = bt_ruleset_new(&rule, 1, &made->ruleset, error);
  if (status == BT_OK) status = bt_evaluator_new(made->ruleset, &made->evaluator, error);
  return status == BT_OK ? judge_probes(&doctor->report->probes, made, error) : status;
}

static void dispose_rule(bt_doctor_rule *made) {
  bt_evaluator_free(made->evaluator);
  bt_ruleset_free(made->ruleset);
  bt_projection_dispose(&made->projection);
  bt_plan_free(made->plan);
  bt_rule_free(made->rule);
}

static bt_status add_rule(bt_doctor *doctor, bt_doctor_rules *topic, bt_str text, bt_error *error) {
  bt_doctor_rule *items = bt_grow_array(topic->items, topic->count, &topic->capacity, sizeof *items);
  if (!items) return bt_error_no_memory(error);
  topic->items = items;
  bt_doctor_rule *made = &items[topic->count++];
  *made = (bt_doctor_rule){.text = bt_doctor_text(doctor, "%.*s", BT_FMT(text))};
  bt_projection_init(&made->projection);
  if (!made->text) return bt_error_no_memory(error);
  bt_status status = make_rule(doctor, made, error);
  if (status != BT_OK || made->projection.whole_trace) return status;
  bool whole_trace = false;
  return bt_projection_share(&topic->projection, made->rule, &whole_trace, error);
}

/* ---- a topic ---- */

static bt_status add_test(bt_doctor *doctor, bt_doctor_rules *topic, const bt_doctor_test *test, bt_str field,
                          bt_error *error) {
  bt_status status = BT_OK;
  bt_buffer predicate = {0}, text = {0};
  write_replaced(test->predicate, "%F", field, &predicate);
  int forms = test->is_named_too ? BT_DOCTOR_FORMS : BT_DOCTOR_PLAIN_FORMS;
  for (int i = 0; status == BT_OK && i < forms; i++) {
    bt_buffer_clear(&text);
    write_replaced(bt_doctor_forms[i], "%T", bt_buffer_str(&predicate), &text);
    status = predicate.failed || text.failed ? bt_error_no_memory(error)
                                             : add_rule(doctor, topic, bt_buffer_str(&text), error);
  }
  bt_buffer_dispose(&predicate);
  bt_buffer_dispose(&text);
  return status;
}

static bt_status make_topic(bt_doctor *doctor, const bt_doctor_topic *from, bt_doctor_rules *topic, bt_str field,
                            bt_error *error) {
  bt_status status = topic->id && topic->title ? BT_OK : bt_error_no_memory(error);
  bt_projection_init(&topic->projection);
  for (size_t i = 0; status == BT_OK && from->tests[i].predicate; i++)
    status = add_test(doctor, topic, &from->tests[i], field, error);
  for (size_t i = 0; status == BT_OK && from->rules && from->rules[i]; i++)
    status = add_rule(doctor, topic, bt_str_from(from->rules[i]), error);
  return status;
}

static bt_status make_key(bt_doctor *doctor, const bt_doctor_topic *from, const bt_probe_key *key, bt_error *error) {
  bt_doctor_rules *topic = &doctor->topics[doctor->topic_count++];
  topic->title = bt_doctor_text(doctor, "%s.%.*s", key->is_of_resource ? "resource" : "span", BT_FMT(key->key));
  topic->id = topic->title;
  topic->is_of_key = true;
  bt_buffer field = {0};
  write_field(key, &field);
  bt_status status =
      field.failed ? bt_error_no_memory(error) : make_topic(doctor, from, topic, bt_buffer_str(&field), error);
  bt_buffer_dispose(&field);
  return status;
}

bt_status bt_doctor_rules_make(bt_doctor *doctor, bt_error *error) {
  const bt_probes *probes = &doctor->report->probes;
  size_t most = probes->key_count;
  for (const bt_doctor_topic *from = bt_doctor_topics; from->tests; from++) most++;
  doctor->topics = calloc(most, sizeof *doctor->topics);
  bt_status status = doctor->topics ? BT_OK : bt_error_no_memory(error);
  for (const bt_doctor_topic *from = bt_doctor_topics; status == BT_OK && from->tests; from++) {
    if (!from->has_keys) {
      bt_doctor_rules *topic = &doctor->topics[doctor->topic_count++];
      *topic = (bt_doctor_rules){.id = from->id, .title = from->title, .has_special = from->has_special};
      status = make_topic(doctor, from, topic, (bt_str){0}, error);
    }
    for (size_t i = 0; from->has_keys && status == BT_OK && i < probes->key_count; i++)
      status = make_key(doctor, from, &probes->keys[i], error);
  }
  return status;
}

void bt_doctor_rules_dispose(bt_doctor *doctor) {
  for (size_t t = 0; t < doctor->topic_count; t++) {
    bt_doctor_rules *topic = &doctor->topics[t];
    for (size_t i = 0; i < topic->count; i++) dispose_rule(&topic->items[i]);
    bt_projection_dispose(&topic->projection);
    free(topic->items);
  }
  free(doctor->topics);
  doctor->topics = NULL;
  doctor->topic_count = 0;
}
