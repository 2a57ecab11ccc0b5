/* For facts/plan_differential.py: writes random traces, random rules, their plans and the evaluator's verdicts as one
 * JSON document, so that the plans can be asked of a real Tempo that has the traces. Arguments: seed, number of traces,
 * number of rules. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "dsl/compile.h"
#include "dsl/evaluate/eval.h"
#include "tempo/api/traceql.h"
#include "tempo/api/traceql_dialect.h"
#include "tests/support/asked.h"
#include "tests/support/column_keys.h"
#include "tests/support/own_keys.h"
#include "tests/support/renamed_keys.h"
#include "tests/support/rule_maker.h"

static void stop(const char *what) {
  fprintf(stderr, "plan_differential: %s\n", what);
  exit(1);
}

static void write_string(bt_str s) {
  putchar('"');
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.ptr[i];
    if (c < 0x20)
      printf("\\u%04x", c);
    else
      printf(c == '"' || c == '\\' ? "\\%c" : "%c", c);
  }
  putchar('"');
}

/* As OTLP/JSON writes it. */
static void write_value(const bt_value *value) {
  switch (value->type) {
  case BT_VALUE_STRING:
    printf("{\"stringValue\":");
    write_string(value->string);
    printf("}");
    break;
  case BT_VALUE_INT: printf("{\"intValue\":\"%" PRId64 "\"}", value->integer); break;
  case BT_VALUE_DOUBLE:
    if (value->decimal != value->decimal)
      printf("{\"doubleValue\":\"NaN\"}");
    else
      printf("{\"doubleValue\":%.17g}", value->decimal);
    break;
  case BT_VALUE_BOOL: printf("{\"boolValue\":%s}", value->boolean ? "true" : "false"); break;
  case BT_VALUE_ARRAY:
    printf("{\"arrayValue\":{\"values\":[");
    for (uint32_t i = 0; i < value->array.count; i++) {
      if (i) printf(",");
      write_value(&value->array.items[i]);
    }
    printf("]}}");
    break;
  case BT_VALUE_OTHER: printf("{\"kvlistValue\":{\"values\":[]}}"); break;
  case BT_VALUE_MISSING:
  case BT_VALUE_DURATION:
  case BT_VALUE_TIME: stop("no value of an attribute");
  }
}

static void write_attribute_list(bt_attributes attributes) {
  for (uint32_t i = 0; i < attributes.count; i++) {
    printf("%s{\"key\":", i ? "," : "");
    write_string(attributes.items[i].key);
    printf(",\"value\":");
    write_value(&attributes.items[i].value);
    printf("}");
  }
}

static void write_attributes(bt_attributes attributes) {
  printf("[");
  write_attribute_list(attributes);
  printf("]");
}

/* Tempo 2.8 takes two resources of one trace for one where they differ in what its hash does not know
 * (tests/facts/facts_wire.py): then the spans are not what was pushed. So each has a number of its own. */
static void write_resource(const bt_span *span) {
  printf("[{\"key\":\"number\",\"value\":{\"intValue\":\"%d\"}}%s", span->id.bytes[7],
         span->resource->attributes.count ? "," : "");
  write_attribute_list(span->resource->attributes);
  printf("]");
}

static void write_events(const bt_span *span) {
  printf(",\"events\":[");
  for (uint32_t i = 0; i < span->event_count; i++) {
    printf("%s{\"timeUnixNano\":\"%" PRId64 "\",\"name\":", i ? "," : "", span->events[i].time_ns);
    write_string(span->events[i].name);
    printf(",\"attributes\":");
    write_attributes(span->events[i].attributes);
    printf("}");
  }
  printf("]");
}

static void write_span(const bt_span *span) {
  char id[BT_SPAN_ID_HEX + 1], parent[BT_SPAN_ID_HEX + 1];
  bt_span_id_format(&span->id, id);
  bt_span_id_format(&span->parent_id, parent);
  printf("{\"resource\":");
  write_resource(span);
  printf(",\"span\":{\"spanId\":\"%s\",\"parentSpanId\":\"%s\",\"kind\":%d,\"status\":{\"code\":%d,\"message\":", id,
         bt_span_id_is_zero(&span->parent_id) ? "" : parent, (int)span->kind, (int)span->status);
  write_string(span->status_message);
  printf("},\"name\":");
  write_string(span->name);
  printf(",\"startTimeUnixNano\":\"%" PRId64 "\",\"endTimeUnixNano\":\"%" PRId64 "\",\"attributes\":", span->start_ns,
         span->end_ns);
  write_attributes(span->attributes);
  write_events(span);
  printf("}}");
}

/* An array of the type that the column of its key has is found by no query (tests/facts/facts_arrays.py): its first
 * element stands for it. */
static void tame_column(bt_attribute *attribute, const column_key *columns, size_t count) {
  static const bt_value_type types[] = {
      [COLUMN_NONE] = BT_VALUE_MISSING, [COLUMN_STRING] = BT_VALUE_STRING, [COLUMN_INT] = BT_VALUE_INT};
  for (size_t i = 0; i < count; i++) {
    bool is_column = bt_str_equal(attribute->key, bt_str_from(columns[i].key));
    if (is_column && attribute->value.type == BT_VALUE_ARRAY &&
        attribute->value.array.items[0].type == types[columns[i].type])
      attribute->value = attribute->value.array.items[0];
  }
}

static void tame_columns(made_trace *made) {
  for (uint32_t i = 0; i < made->trace.span_count; i++) {
    for (uint32_t j = 0; j < made->spans[i].attributes.count; j++)
      tame_column(&made->span_attributes[i][j], span_columns, SPAN_COLUMNS);
    for (uint32_t j = 0; j < made->resources[i].attributes.count; j++)
      tame_column(&made->resource_attributes[i][j], resource_columns, RESOURCE_COLUMNS);
  }
}

/* Calls it for each value of an attribute; true if some call was. */
static bool any_value(made_trace *made, bool (*visit)(bt_value *value)) {
  bool any = false;
  for (uint32_t i = 0; i < made->trace.span_count; i++) {
    for (uint32_t j = 0; j < made->spans[i].attributes.count; j++)
      any = visit(&made->span_attributes[i][j].value) || any;
    for (uint32_t j = 0; j < made->resources[i].attributes.count; j++)
      any = visit(&made->resource_attributes[i][j].value) || any;
  }
  return any;
}

static bool find_nan(bt_value *value) {
  return value->type == BT_VALUE_DOUBLE && value->decimal != value->decimal;
}

static bool shorten_doubles(bt_value *value) {
  bool is_such = value->type == BT_VALUE_ARRAY && value->array.items[0].type == BT_VALUE_DOUBLE;
  if (is_such) value->array.count = 1;
  return is_such;
}

/* An array of several doubles may be overlooked beside a NaN (docs/DECISIONS.md 197). The script pushes traces with NaN
 * apart from the others. */
static bool tame_doubles(made_trace *made) {
  bool has_nan = any_value(made, find_nan);
  if (has_nan) any_value(made, shorten_doubles);
  return has_nan;
}

static void write_query(bt_str filter) {
  bt_buffer query = {0};
  bt_traceql_search(filter, (bt_str){0}, &query);
  write_string(bt_buffer_str(&query));
  bt_buffer_dispose(&query);
}

static void write_formula(const bt_over *over) {
  static const char *const kinds[] = {"all", "none", "query", "and", "or"};
  printf("[\"%s\"", over->is_surplus ? "surplus" : kinds[over->kind]);
  if (over->kind == BT_OVER_QUERY) {
    printf(",");
    write_query(asked_text(over->query.asked));
  }
  for (uint32_t i = 0; i < over->item_count; i++) {
    printf(",");
    write_formula(over->items[i]);
  }
  printf("]");
}

static void write_plan(const bt_plan *plan) {
  printf("\"violating\":");
  write_formula(plan->violating);
  printf(",\"exercising\":");
  write_formula(plan->exercising);
  printf(",\"exact\":%s,\"subtract\":[", plan->exercising_is_exact ? "true" : "false");
  for (uint32_t i = 0; i < plan->subtract_count; i++) {
    if (i) printf(",");
    write_query(asked_text(plan->subtract[i].asked));
  }
  printf("]");
}

/* For each trace: [violated, exercised]. */
static void write_verdicts(const bt_rule *rule, const made_trace *made, size_t count) {
  bt_error error = {0};
  bt_ruleset *ruleset = NULL;
  bt_evaluator *evaluator = NULL;
  const bt_rule_verdict *verdict = NULL;
  if (bt_ruleset_new(&rule, 1, &ruleset, &error) != BT_OK || bt_evaluator_new(ruleset, &evaluator, &error) != BT_OK)
    stop(error.message);
  printf(",\"verdicts\":[");
  for (size_t i = 0; i < count; i++) {
    if (bt_evaluator_run(evaluator, &made[i].trace, NULL, &verdict, &error) != BT_OK) stop(error.message);
    printf("%s[%d,%d]", i ? "," : "", verdict->verdict == BT_VIOLATED, verdict->exercised == BT_TRUE);
  }
  printf("]");
  bt_evaluator_free(evaluator);
  bt_ruleset_free(ruleset);
}

/* Every other rule by keys that were renamed, and every other one by aliases. */
static void write_rule(bt_str text, test_random *of_names, const made_trace *made, size_t count, bool is_first) {
  static const char *const keys[] = {"k", "m", "http.method", "http.status_code", "cluster", "pod"};
  renamed_keys renamed;
  own_keys own;
  bt_compile_options options = {.conventions = &renamed.conventions};
  renamed_keys_make(of_names, keys, sizeof keys / sizeof *keys, test_random_below(of_names, 2), &renamed);
  own_keys_make(of_names, keys, sizeof keys / sizeof *keys, &own);
  if (test_random_below(of_names, 2)) options.semconv = BT_STR("stable");
  if (test_random_below(of_names, 2)) options.own_names = &own.names;
  bt_error error = {0};
  bt_rule *rule = NULL;
  bt_plan *plan = NULL;
  bt_diagnostics diagnostics;
  bt_diagnostics_init(&diagnostics);
  if (bt_rule_compile_with(text, &options, &rule, &diagnostics, &error) != BT_OK) stop("a rule does not compile");
  if (bt_plan_new(rule, bt_traceql_dialect(), &plan, &error) != BT_OK) stop(error.message);
  printf("%s{\"rule\":", is_first ? "" : ",");
  write_string(text);
  printf(",");
  write_plan(plan);
  write_verdicts(rule, made, count);
  printf("}\n");
  bt_plan_free(plan);
  bt_rule_free(rule);
  bt_diagnostics_dispose(&diagnostics);
}

int main(int argc, char **argv) {
  if (argc != 4) stop("expected a seed, a number of traces and a number of rules");
  maker m = {.random = {strtoull(argv[1], NULL, 10) * 2862933555777941757u + 3037000493u}};
  test_random of_names = {m.random.state + 60};
  size_t traces = strtoul(argv[2], NULL, 10), rules = strtoul(argv[3], NULL, 10);
  made_trace *made = calloc(traces, sizeof *made);
  if (!made) stop("out of memory");
  printf("{\"traces\":[");
  for (size_t i = 0; i < traces; i++) {
    maker_make_trace(&m, &made[i]);
    tame_columns(&made[i]);
    printf("%s{\"has_nan\":%s,\"spans\":[", i ? ",\n" : "", tame_doubles(&made[i]) ? "true" : "false");
    for (uint32_t j = 0; j < made[i].trace.span_count; j++) {
      if (j) printf(",");
      write_span(&made[i].spans[j]);
    }
    printf("]}");
  }
  printf("],\"rules\":[");
  for (size_t i = 0; i < rules; i++) {
    maker_say_rule(&m);
    write_rule(bt_buffer_str(&m.text), &of_names, made, traces, i == 0);
  }
  printf("]}\n");
  bt_buffer_dispose(&m.text);
  free(made);
  return 0;
}
