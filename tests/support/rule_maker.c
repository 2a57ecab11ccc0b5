/* Random rules and traces. See rule_maker.h. */
#include "tests/support/rule_maker.h"

#include <math.h>
#include <string.h>

#include "tests/support/column_keys.h"

static unsigned pick(maker *m, unsigned below) {
  return test_random_below(&m->random, below);
}

static void say(maker *m, const char *text) {
  bt_buffer_append(&m->text, bt_str_from(text));
}

#define SAY_ONE(m, ...)                                                                                                \
  do {                                                                                                                 \
    static const char *const choices[] = {__VA_ARGS__};                                                                \
    say(m, choices[pick(m, sizeof choices / sizeof *choices)]);                                                        \
  } while (0)

/* ---- rules ---- */

static void say_name(maker *m) {
  SAY_ONE(m, "a", "b", "c", "shop");
}

static void say_literal(maker *m) {
  SAY_ONE(m, "1", "0", "2", "-1", "1.0", "1.5", "0.5", "9007199254740993", "9007199254740992.0", "\"x\"", "\"y\"",
          "\"\"", "\"xy\"", "\"nil\"", "true", "false", "\"1\"", "\"1.0\"", "\"True\"");
}

/* One with a column of its own, in any spelling; of the wrong scope now and then, where it has none. */
static void say_column(maker *m) {
  static const char *const before[] = {"", "", "span.attributes[\"", "span.", "", "resource.attributes[\""};
  unsigned spelling = pick(m, 6);
  bool of_resource = spelling >= 4;
  say(m, before[spelling]);
  say(m, column_key_of(&m->random, pick(m, 10) ? of_resource : !of_resource));
  if (before[spelling][0] && spelling != 3) say(m, "\"]");
}

static void say_attribute(maker *m) {
  if (pick(m, 2)) {
    say_column(m);
    return;
  }
  SAY_ONE(m, "k", "k", "m", "span.attributes[\"k\"]", "span.attributes[\"m\"]", "resource.attributes[\"k\"]", "span.k",
          "resource.attributes[\"service.name\"]");
}

static void say_attribute_test(maker *m) {
  switch (pick(m, 6)) {
  case 0:
    say_attribute(m);
    SAY_ONE(m, " contains ", " starts_with ", " ends_with ", " matches ", " =~ ", " !~ ");
    SAY_ONE(m, "\"x\"", "\"y\"", "\"xy\"", "\"y.*\"", "\"\"", "\"n.l\"");
    return;
  case 1:
    say_attribute(m);
    SAY_ONE(m, " in [", " not in [");
    say_literal(m);
    say(m, ", ");
    say_literal(m);
    say(m, "]");
    return;
  case 2:
    say(m, "exists(");
    say_attribute(m);
    say(m, ")");
    return;
  case 3:
    if (m->bindings) {
      SAY_ONE(m, "k == p.k", "k == p.m", "http.method == p.http.method", "http.status_code != p.k", "cluster == p.pod");
      return;
    }
    say_attribute(m);
    say(m, " * 2 > 1");
    return;
  case 4:
  case 5: break;
  }
  say_attribute(m);
  SAY_ONE(m, " == ", " == ", " != ", " < ", " <= ", " > ", " >= ");
  say_literal(m);
}

static void say_intrinsic_test(maker *m) {
  SAY_ONE(m, "span.name == \"a\"", "span.name != \"b\"", "span.name contains \"a\"", "span.name in [\"a\", \"c\"]",
          "span.name not in [\"a\", \"c\"]", "span.name !~ \"a|b\"", "span.status == \"error\"",
          "span.status != \"ok\"", "span.status in [\"unset\", \"ok\"]", "span.kind == \"unspecified\"",
          "span.kind != \"server\"", "span.duration > 1ms", "span.duration <= 1ms", "span.duration == 0s",
          "span.duration != 2ms", "span.duration < 1ms", "span.status_message == \"\"",
          "span.status_message matches \"oo\"", "span.service == \"shop\"", "span.service != \"shop\"",
          "span.service =~ \".*\"", "span.service == \"1\"", "exists(span.service)");
}

static void say_event_test(maker *m) {
  SAY_ONE(m, "event.name == \"x\"", "event.name != \"x\"", "event.name contains \"y\"", "event.name in [\"x\", \"xy\"]",
          "event.name not in [\"x\"]", "event.name < \"y\"", "event.name == \"\"", "event.k == \"x\"", "event.k == 1",
          "event.k == true", "event.k == \"1\"", "event.k == \"true\"", "event.k matches \"y\"",
          "event.k in [\"x\", \"y\"]", "event.k != \"x\"", "exists(event.m)", "event.m",
          "event.where(event.name == \"x\" and event.k == \"x\")",
          "event.where(event.k == \"x\" or event.name == \"y\")", "event.where(not (event.name == \"x\"))",
          "event.where(event.name =~ \"x.*\" and event.name =~ \".*y\")", "event.where(event.k == \"x\" and k == 1)",
          "event.time == span.start", "event.count(true) > 1", "event.count(event.name == \"x\") > 0",
          "event.count(event.k == \"x\" or event.name == \"y\") >= 2", "event.count(event.k == k) == 0",
          "event.count(event.k == 1 and k == 1) in [1, 2]", "event.count(event.name contains \"y\") <= 1",
          "event.count(event.name == \"x\") != 0", "event.count(event.m) < event.count(true)",
          "event.count(exists(event.k)) not in [0, 1]", "event.count(event.name == \"x\") * 2 > k",
          "k == event.count(true)", "event.count(event.name != \"x\") >= 0.5");
}

/* Fields that no search knows. */
static void say_carried_test(maker *m) {
  SAY_ONE(m, "span.flags == 1", "span.flags > 1", "not (span.flags == 769)", "exists(span.flags)",
          "span.trace_state[\"u\"] == \"x\"", "span.trace_state[\"u\"] != \"x\"", "not exists(span.trace_state[\"v\"])",
          "exists(span.trace_id)", "span.trace_id == \"00000000000000000000000000000001\"",
          "span.trace_id != \"00000000000000000000000000000001\"",
          "span.trace_id in [\"00000000000000000000000000000002\"]", "span.dropped_attributes_count == 0",
          "span.dropped_events_count > 0", "exists(span.dropped_links_count)", "span.flags == k",
          "span.trace_state[\"u\"] == k", "span.trace_id == trace.id");
}

static void say_predicate(maker *m, unsigned depth) {
  unsigned kind = pick(m, depth ? 8 : 4);
  if (kind < 2 && pick(m, 12) == 0) {
    say_carried_test(m);
  } else if (kind < 2 && pick(m, 4) == 0) {
    say_event_test(m);
  } else if (kind < 2) {
    say_attribute_test(m);
  } else if (kind < 4) {
    say_intrinsic_test(m);
  } else if (kind == 4) {
    say(m, "not (");
    say_predicate(m, depth - 1);
    say(m, ")");
  } else {
    say(m, "(");
    say_predicate(m, depth - 1);
    say(m, kind < 7 ? " and " : " or ");
    say_predicate(m, depth - 1);
    say(m, ")");
  }
}

static void say_selection(maker *m, unsigned depth) {
  switch (pick(m, 5)) {
  case 0: say_name(m); break;
  case 1:
  case 2:
    if (m->bindings && pick(m, 2))
      say(m, "p");
    else
      say_name(m);
    say(m, ".where(");
    say_predicate(m, depth);
    say(m, ")");
    break;
  default:
    say(m, "trace.has(");
    say_predicate(m, depth);
    say(m, ")");
    break;
  }
  if (pick(m, 4) == 0) {
    SAY_ONE(m, " before ", " after ", " under ", " within 2ms of ", " child of ", " after ");
    if (m->bindings && pick(m, 2))
      say(m, "p");
    else
      say_name(m);
  }
}

/* What is aggregated where it is more than a field. */
static void say_value_of_each(maker *m, bool is_duration) {
  bool is_bound = m->bindings && pick(m, 2);
  if (is_duration && is_bound)
    SAY_ONE(m, "span.start - p.start", "p.span.duration + span.duration", "span.end - p.end");
  else if (is_duration)
    SAY_ONE(m, "span.duration * 2", "span.duration - 1ms", "span.end - span.start", "span.start - trace.start",
            "span.duration * k", "-span.duration", "trace.duration - span.duration");
  else if (is_bound)
    SAY_ONE(m, "p.k * m", "m - p.m", "p.k + k");
  else
    SAY_ONE(m, "k * m", "span.k - 1", "-m", "m / 2", "k * http.status_code", "k + resource.cluster",
            "k * trace.span_count", "k - count(b)", "span.duration / 1ms");
}

/* The earliest or the latest of some spans. */
static void say_time_test(maker *m) {
  SAY_ONE(m, "min(", "max(");
  say_name(m);
  SAY_ONE(m, ", span.start)", ", span.end)", ", span.start + span.duration / 2)");
  SAY_ONE(m, " > ", " >= ", " < ", " <= ", " == ", " != ");
  if (m->bindings && pick(m, 2)) {
    say(m, "p.start");
    return;
  }
  if (pick(m, 3) == 0) {
    say(m, "trace.start + 1ms");
    return;
  }
  SAY_ONE(m, "max(", "min(");
  say_name(m);
  SAY_ONE(m, ", span.end)", ", span.start)");
}

static void say_distinct_test(maker *m) {
  say(m, "count_distinct(");
  say_name(m);
  if (pick(m, 2)) {
    say(m, ".where(");
    say_predicate(m, 0);
    say(m, ")");
  }
  SAY_ONE(m, ", k)", ", m)", ", span.name)", ", span.service)", ", http.status_code)", ", resource.cluster)",
          ", span.kind)", ", span.duration)", ", k + m)", ", resource.attributes[\"service.name\"])", ", span.id)");
  SAY_ONE(m, " > ", " >= ", " < ", " <= ", " == ", " != ");
  if (pick(m, 4) == 0) {
    say(m, "count(");
    say_name(m);
    say(m, ")");
  } else {
    SAY_ONE(m, "0", "1", "1", "2", "0.5", "1.0");
  }
}

static void say_number_test(maker *m) {
  if (pick(m, 6) == 0) {
    say_distinct_test(m);
    return;
  }
  if (pick(m, 6) == 0) {
    say_time_test(m);
    return;
  }
  SAY_ONE(m, "count(", "count(", "sum(", "min(", "max(", "avg(");
  bool counts_only = m->text.ptr[m->text.len - 2] == 't';
  bool is_duration = pick(m, 3) == 0;
  say_name(m);
  if (pick(m, 2)) {
    say(m, ".where(");
    say_predicate(m, 0);
    say(m, ")");
  }
  if (!counts_only) {
    say(m, ", ");
    if (pick(m, 3) == 0)
      say_value_of_each(m, is_duration);
    else if (is_duration)
      say(m, "span.duration");
    else
      say_attribute(m);
  }
  say(m, ")");
  SAY_ONE(m, " > ", " >= ", " < ", " <= ", " == ", " != ");
  if (counts_only && pick(m, 3) == 0) {
    say(m, "count(");
    say_name(m);
    say(m, ")");
  } else if (!counts_only && is_duration) {
    SAY_ONE(m, "1ms", "0s", "2ms");
  } else {
    SAY_ONE(m, "0", "1", "2", "0.5");
  }
}

static void say_condition(maker *m, unsigned depth);

static void say_leaf(maker *m) {
  unsigned kind = pick(m, 10);
  if (kind < 6) {
    say_selection(m, 1);
  } else if (kind < 8) {
    say_number_test(m);
  } else if (kind == 8 && pick(m, 2)) {
    say(m, "every(");
    say_selection(m, 1);
    say(m, ", ");
    say_predicate(m, 1);
    say(m, ")");
  } else if (kind == 8) {
    SAY_ONE(m, "trace.has_before(", "trace.has_after(");
    say_name(m);
    say(m, ", ");
    say_name(m);
    say(m, ")");
  } else if (m->bindings) {
    SAY_ONE(m, "p.k > 0", "p.span.duration > 1ms", "p.span.status == \"error\"", "p.m == \"x\"", "p.k in [1, 1.5]",
            "p.http.status_code > 0", "p.span.http.method == \"x\"", "p.resource.cluster != \"nil\"",
            "p.plain >= \"x\"");
  } else {
    SAY_ONE(m, "trace.id == \"00000000000000000000000000000001\"", "trace.span_count > 2", "trace.duration < 3ms",
            "trace.root.name == \"a\"", "true");
  }
}

static void say_condition(maker *m, unsigned depth) {
  unsigned kind = pick(m, depth ? 9 : 3);
  if (kind < 3) {
    say_leaf(m);
  } else if (kind < 5) {
    say(m, "not (");
    say_condition(m, depth - 1);
    say(m, ")");
  } else {
    say(m, "(");
    say_condition(m, depth - 1);
    say(m, kind < 8 ? " and " : " or ");
    say_condition(m, depth - 1);
    say(m, ")");
  }
}

/* Starts with a selection that may be bound, so that what follows can speak of it. */
static void say_start(maker *m) {
  if (pick(m, 2)) {
    say_condition(m, 2);
    return;
  }
  if (pick(m, 2))
    say_name(m);
  else
    say_selection(m, 1);
  say(m, " as p");
  m->bindings = 1;
  if (pick(m, 2)) {
    say(m, " and ");
    say_condition(m, 1);
  }
}

static void say_clause(maker *m, const char *word) {
  say(m, word);
  say(m, " { ");
  say_condition(m, 2);
  say(m, " } ");
}

void maker_say_rule(maker *m) {
  bt_buffer_clear(&m->text);
  m->bindings = 0;
  unsigned shape = pick(m, 5);
  if (shape == 0) {
    say_start(m);
    return;
  }
  if (shape != 4) {
    say(m, "when { ");
    say_start(m);
    say(m, " } ");
  }
  if (shape != 2) say_clause(m, "always");
  if (shape == 2 || shape == 3) say_clause(m, "never");
}

/* ---- traces ---- */

static const bt_value some_strings[] = {{.type = BT_VALUE_STRING, .string = {"x", 1}},
                                        {.type = BT_VALUE_STRING, .string = {"y", 1}}};
static const bt_value some_texts[] = {{.type = BT_VALUE_STRING, .string = {"1", 1}},
                                      {.type = BT_VALUE_STRING, .string = {"x", 1}},
                                      {.type = BT_VALUE_STRING, .string = {"true", 4}}};
static const bt_value some_numbers[] = {{.type = BT_VALUE_INT, .integer = 1}, {.type = BT_VALUE_INT, .integer = 5}};
static const bt_value some_doubles[] = {{.type = BT_VALUE_DOUBLE, .decimal = 1.5},
                                        {.type = BT_VALUE_DOUBLE, .decimal = -1.0}};

/* Texts that read as numbers and booleans, and some that look so. */
static bt_str number_text(maker *m) {
  static const char *const texts[] = {"1",
                                      "1",
                                      "0",
                                      "-0",
                                      "2",
                                      "-1",
                                      "1.0",
                                      "1.5",
                                      "0.50",
                                      "10e-1",
                                      "5",
                                      "1E0",
                                      "true",
                                      "True",
                                      "FALSE",
                                      "01",
                                      " 1",
                                      "+1",
                                      "1e",
                                      "9007199254740993",
                                      "0.99999999999999999999999",
                                      "1e999"};
  return bt_str_from(texts[pick(m, sizeof texts / sizeof *texts)]);
}

/* Which Tempo may have cut. */
static bt_str long_text(maker *m) {
  static char texts[2][2048];
  memset(texts, 'x', sizeof texts);
  texts[1][2047] = 'y';
  return (bt_str){texts[pick(m, 2)], sizeof texts[0]};
}

static bt_value make_value(maker *m) {
  if (pick(m, 4) == 0) return (bt_value){.type = BT_VALUE_STRING, .string = number_text(m)};
  switch (pick(m, 17)) {
  case 0: return (bt_value){.type = BT_VALUE_INT, .integer = 1};
  case 1: return (bt_value){.type = BT_VALUE_INT, .integer = 0};
  case 2: return (bt_value){.type = BT_VALUE_INT, .integer = (int64_t)pick(m, 4) - 1};
  case 3: return (bt_value){.type = BT_VALUE_INT, .integer = 9007199254740992 + (int64_t)pick(m, 3)};
  case 4: return (bt_value){.type = BT_VALUE_DOUBLE, .decimal = 1.0};
  case 5: return (bt_value){.type = BT_VALUE_DOUBLE, .decimal = 1.5};
  case 6: return (bt_value){.type = BT_VALUE_DOUBLE, .decimal = 9007199254740992.0 + 2.0 * pick(m, 2)};
  case 7: return (bt_value){.type = BT_VALUE_DOUBLE, .decimal = pick(m, 2) ? 0.5 : (double)NAN};
  case 8: return (bt_value){.type = BT_VALUE_STRING, .string = pick(m, 2) ? BT_STR("x") : BT_STR("y")};
  case 9: return (bt_value){.type = BT_VALUE_STRING, .string = pick(m, 2) ? BT_STR("") : BT_STR("xy")};
  case 16: return (bt_value){.type = BT_VALUE_STRING, .string = long_text(m)};
  case 13: return (bt_value){.type = BT_VALUE_STRING, .string = BT_STR("nil")};
  case 10: return (bt_value){.type = BT_VALUE_BOOL, .boolean = pick(m, 2)};
  case 11: return (bt_value){.type = BT_VALUE_ARRAY, .array = {some_strings, 1 + pick(m, 2)}};
  case 12:
    return (bt_value){.type = BT_VALUE_ARRAY, .array = {pick(m, 2) ? some_numbers : some_doubles, 1 + pick(m, 2)}};
  case 14: return (bt_value){.type = BT_VALUE_ARRAY, .array = {some_texts + pick(m, 2), 1 + pick(m, 2)}};
  default: break;
  }
  return (bt_value){.type = BT_VALUE_OTHER};
}

static bool has_key(bt_attributes attributes, bt_str key) {
  for (uint32_t i = 0; i < attributes.count; i++)
    if (bt_str_equal(attributes.items[i].key, key)) return true;
  return false;
}

static bt_attributes make_attributes(maker *m, bt_attribute *room, bool of_resource) {
  bt_attributes made = {.items = room};
  if (pick(m, 3)) room[made.count++] = (bt_attribute){BT_STR("k"), make_value(m)};
  if (pick(m, 3) == 0) room[made.count++] = (bt_attribute){BT_STR("m"), make_value(m)};
  for (unsigned tries = pick(m, 5); tries > 0; tries--) {
    bt_str key = bt_str_from(column_key_of(&m->random, pick(m, 10) ? of_resource : !of_resource));
    if (!has_key(made, key)) room[made.count++] = (bt_attribute){key, make_value(m)};
  }
  return made;
}

static void make_events(maker *m, made_trace *made, uint32_t at) {
  static const char *const names[] = {"x", "y", "xy", ""};
  bt_span *span = &made->spans[at];
  span->events = made->events[at];
  span->event_count = pick(m, 2) ? pick(m, MAKER_MAX_EVENTS + 1) : 0;
  for (uint32_t i = 0; i < span->event_count; i++)
    made->events[at][i] = (bt_event){.name = bt_str_from(names[pick(m, 4)]),
                                     .time_ns = span->start_ns + i,
                                     .attributes = make_attributes(m, made->event_attributes[at][i], false)};
}

/* With or without a service name, which may be no string. */
static void make_resource(maker *m, bt_resource *resource, bt_attribute *room) {
  resource->attributes = make_attributes(m, room, true);
  unsigned kind = pick(m, 7);
  if (kind == 0) return;
  bt_value name = {.type = BT_VALUE_STRING, .string = kind < 3 ? BT_STR("shop") : BT_STR("a")};
  if (kind == 4) name.string = BT_STR("");
  if (kind == 6) name.string = BT_STR("1");
  if (kind == 5)
    name = (bt_value){.type = BT_VALUE_INT, .integer = 1};
  else
    resource->service = name.string;
  room[resource->attributes.count++] = (bt_attribute){BT_STR("service.name"), name};
}

void maker_make_trace(maker *m, made_trace *made) {
  static const char *const names[] = {"a", "b", "c", "shop", "ab"};
  static const bt_scope scope;
  static const int64_t durations[] = {0, 500000, 1000000, 2000000, 3000000, -1000000};
  static const char *const states[] = {"", "u=x", "v=1, u=y"};
  static const uint32_t flags[] = {0, 1, 769};
  memset(made, 0, sizeof *made);
  made->trace.span_count = 1 + pick(m, MAKER_MAX_SPANS);
  made->trace.spans = made->spans;
  made->trace.id.bytes[15] = 1;
  for (uint32_t i = 0; i < made->trace.span_count; i++) {
    bt_span *span = &made->spans[i];
    make_resource(m, &made->resources[i], made->resource_attributes[i]);
    *span = (bt_span){.name = bt_str_from(names[pick(m, 5)]),
                      .kind = (bt_span_kind)pick(m, 6),
                      .status = (bt_span_status)pick(m, 3),
                      .status_message = pick(m, 3) ? BT_STR("") : BT_STR("boom"),
                      .start_ns = 1700000000000000000 + (int64_t)pick(m, 6) * 1000000,
                      .trace_id = "00000000000000000000000000000001",
                      .trace_state = bt_str_from(states[pick(m, 3)]),
                      .flags = flags[pick(m, 3)],
                      .resource = &made->resources[i],
                      .scope = &scope,
                      .attributes = make_attributes(m, made->span_attributes[i], false)};
    if (span->kind % 2) /* an attribute with a field's name */
      made->span_attributes[i][span->attributes.count++] =
          (bt_attribute){BT_STR("duration"), {.type = BT_VALUE_INT, .integer = 0}};
    make_events(m, made, i);
    span->end_ns = span->start_ns + durations[pick(m, 6)];
    span->id.bytes[7] = (uint8_t)(i + 1);
    if (i && pick(m, 5)) span->parent_id.bytes[7] = (uint8_t)(1 + pick(m, i));
  }
}
