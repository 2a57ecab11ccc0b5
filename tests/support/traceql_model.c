/* The model of Tempo's filters. See traceql_model.h. One recursive descent, evaluating as it reads. */
#include "tests/support/asked.h"
#include "tests/support/traceql_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
  bt_str whole;
  size_t at;
  const bt_span *span;
  traceql_numbers numbers;
  /* For Tempo's worst. */
  const bt_value *probe; /* each test of the scope is held against this value, whichever its key */
  bool probe_resource, passed, has_unequal_double;
  const bt_value *mixed, *mixture; /* the elements of one array, and what is there instead of each */
  bool mixed_in_resource;
  traceql_columns columns;
  bool makes_up;      /* "nil", where a test takes what is not there */
  traceql_look *look; /* shown every test */
  bool hides_doubles;
  bool confuses_names;                                /* an attribute is taken for the field of its name */
  uint32_t tests, event_tests, event_attribute_tests; /* of the filter, in which all are read */
} reader;

typedef struct text_bytes { /* a string or a key that was read */
  char bytes[8192];
  size_t length;
} text_bytes;

typedef struct literal {
  bt_value value;
  bool is_word; /* a kind or a status */
} literal;

static void stop(const reader *r, const char *what) {
  fprintf(stderr, "traceql model: %s at byte %zu of %.*s\n", what, r->at, BT_FMT(r->whole));
  exit(1);
}

static bool takes(reader *r, const char *word) {
  while (r->at < r->whole.len && r->whole.ptr[r->at] == ' ') r->at++;
  bt_str rest = {r->whole.ptr + r->at, r->whole.len - r->at};
  bt_str wanted = bt_str_from(word);
  if (!bt_str_starts_with(rest, wanted)) return false;
  r->at += wanted.len;
  return true;
}

static char peek(reader *r) {
  while (r->at < r->whole.len && r->whole.ptr[r->at] == ' ') r->at++;
  return r->at < r->whole.len ? r->whole.ptr[r->at] : '\0';
}

static void put_code_point(text_bytes *out, unsigned long code) {
  if (code < 0x80) {
    out->bytes[out->length++] = (char)code;
  } else if (code < 0x800) {
    out->bytes[out->length++] = (char)(0xc0 | (code >> 6));
    out->bytes[out->length++] = (char)(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out->bytes[out->length++] = (char)(0xe0 | (code >> 12));
    out->bytes[out->length++] = (char)(0x80 | ((code >> 6) & 0x3f));
    out->bytes[out->length++] = (char)(0x80 | (code & 0x3f));
  } else {
    out->bytes[out->length++] = (char)(0xf0 | (code >> 18));
    out->bytes[out->length++] = (char)(0x80 | ((code >> 12) & 0x3f));
    out->bytes[out->length++] = (char)(0x80 | ((code >> 6) & 0x3f));
    out->bytes[out->length++] = (char)(0x80 | (code & 0x3f));
  }
}

/* The escape behind a backslash. */
static void read_escape(reader *r, text_bytes *out) {
  char kind = r->whole.ptr[r->at++];
  size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  char hex[9] = "";
  if (!digits) {
    out->bytes[out->length++] = kind == 'n' ? '\n' : kind == 't' ? '\t' : kind == 'r' ? '\r' : kind;
    return;
  }
  memcpy(hex, r->whole.ptr + r->at, digits);
  r->at += digits;
  if (kind == 'x')
    out->bytes[out->length++] = (char)strtoul(hex, NULL, 16);
  else
    put_code_point(out, strtoul(hex, NULL, 16));
}

static void read_quoted(reader *r, text_bytes *out) {
  out->length = 0;
  r->at++;
  while (r->at < r->whole.len && r->whole.ptr[r->at] != '"') {
    if (out->length + 8 > sizeof out->bytes) stop(r, "string too long for the model");
    char c = r->whole.ptr[r->at++];
    if (c == '\\')
      read_escape(r, out);
    else
      out->bytes[out->length++] = c;
  }
  if (r->at >= r->whole.len) stop(r, "open string");
  r->at++;
}

static bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-' || c == '/' || c == '+';
}

static void read_word(reader *r, text_bytes *out) {
  out->length = 0;
  while (r->at < r->whole.len && is_word_byte(r->whole.ptr[r->at])) out->bytes[out->length++] = r->whole.ptr[r->at++];
  out->bytes[out->length] = '\0';
  if (!out->length) stop(r, "expected a word");
}

static void read_key(reader *r, text_bytes *key) {
  if (r->whole.ptr[r->at] == '"')
    read_quoted(r, key);
  else
    read_word(r, key);
}

/* A number, maybe with a unit of time. */
static void read_number(const reader *r, const char *word, literal *out) {
  static const struct {
    const char *unit;
    int64_t ns;
  } units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
  char *end;
  if (strpbrk(word, ".e")) {
    out->value = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = strtod(word, &end)};
    if (*end) stop(r, "bad decimal");
    return;
  }
  int64_t number = strtoll(word, &end, 10);
  out->value = (bt_value){.type = BT_VALUE_INT, .integer = number};
  if (!*end) return;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (strcmp(end, units[i].unit) == 0) {
      out->value = (bt_value){.type = BT_VALUE_DURATION, .duration_ns = number * units[i].ns};
      return;
    }
  stop(r, "bad number");
}

static void read_literal(reader *r, text_bytes *room, literal *out) {
  *out = (literal){0};
  char c = peek(r);
  if (c == '"') {
    read_quoted(r, room);
    out->value = (bt_value){.type = BT_VALUE_STRING, .string = {room->bytes, room->length}};
    return;
  }
  read_word(r, room);
  if (c == '-' || (c >= '0' && c <= '9'))
    read_number(r, room->bytes, out);
  else if (strcmp(room->bytes, "true") == 0 || strcmp(room->bytes, "false") == 0)
    out->value = (bt_value){.type = BT_VALUE_BOOL, .boolean = room->bytes[0] == 't'};
  else
    *out = (literal){{.type = BT_VALUE_STRING, .string = {room->bytes, room->length}}, true};
}

/* ---- values ---- */

static bool element_meets(const reader *r, const bt_value *stored, const char *op, const bt_value *asked) {
  if (r->hides_doubles && stored->type == BT_VALUE_DOUBLE) return false;
  return traceql_scalar_meets(r->numbers, stored, op, asked);
}

static bool value_meets(const reader *r, const bt_value *stored, bool of_resource, const char *op,
                        const bt_value *asked) {
  if (stored->type != BT_VALUE_ARRAY) return element_meets(r, stored, op, asked);
  bool is_mixed = r->mixed && stored->array.items == r->mixed && of_resource == r->mixed_in_resource;
  if (is_mixed) return element_meets(r, r->mixture, op, asked);
  for (uint32_t i = 0; i < stored->array.count; i++)
    if (element_meets(r, &stored->array.items[i], op, asked)) return true;
  return false;
}

/* Tempo's tables have a service name, maybe empty, for every resource; another type is kept besides. */
static bool resource_meets(const reader *r, bt_str key, const char *op, const bt_value *asked) {
  bt_value stored = traceql_attribute(r->span->resource->attributes, key);
  if (value_meets(r, &stored, true, op, asked)) return true;
  bt_value empty = {.type = BT_VALUE_STRING, .string = BT_STR("")};
  return bt_str_equal(key, BT_STR("service.name")) && stored.type != BT_VALUE_STRING &&
         value_meets(r, &empty, true, op, asked);
}

static bool word_meets(const char *const *names, int value, const char *op, const literal *asked) {
  bool same = bt_str_equal(asked->value.string, bt_str_from(names[value]));
  return same == (strcmp(op, "=") == 0);
}

/* ---- the grammar ---- */

static bool read_or(reader *r);

static const char *read_operator(reader *r) {
  static const char *const operators[] = {"=~", "!~", "!=", "<=", ">=", "=", "<", ">"};
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
    if (takes(r, operators[i])) return operators[i];
  stop(r, "expected an operator");
  return "";
}

/* The attribute with the name of the field, of the span or else of its resource. */
static bool namesake_meets(const reader *r, const char *field, const char *op, const literal *asked) {
  bt_value own = traceql_attribute(r->span->attributes, bt_str_from(field));
  bt_value of_resource = traceql_attribute(r->span->resource->attributes, bt_str_from(field));
  bt_value wanted = asked->value;
  if (wanted.type == BT_VALUE_DURATION) wanted = (bt_value){.type = BT_VALUE_INT, .integer = wanted.duration_ns};
  return value_meets(r, &own, false, op, &wanted) || value_meets(r, &of_resource, true, op, &wanted);
}

static bool read_intrinsic(reader *r, const char *field) {
  static const char *const kinds[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
  static const char *const statuses[] = {"unset", "ok", "error"};
  text_bytes room;
  literal asked;
  bt_value stored = {.type = BT_VALUE_STRING, .string = r->span->name};
  const char *op = read_operator(r);
  read_literal(r, &room, &asked);
  bool is_enum = strcmp(field, "kind") == 0 || strcmp(field, "status") == 0;
  if (asked.is_word != is_enum) stop(r, "a word is for kinds and statuses only");
  if (r->confuses_names && namesake_meets(r, field, op, &asked)) return true;
  if (strcmp(field, "kind") == 0) return word_meets(kinds, (int)r->span->kind, op, &asked);
  if (strcmp(field, "status") == 0) return word_meets(statuses, (int)r->span->status, op, &asked);
  if (strcmp(field, "statusMessage") == 0) stored.string = r->span->status_message;
  if (strcmp(field, "duration") == 0)
    stored = (bt_value){.type = BT_VALUE_DURATION, .duration_ns = r->span->end_ns - r->span->start_ns};
  return traceql_scalar_meets(r->numbers, &stored, op, &asked.value);
}

static bool read_filter(reader *r);

/* What the query makes Tempo look at of the key. */
static traceql_look look_of(const reader *r, bt_str key, bool of_resource) {
  traceql_look look = {.columns = r->columns, .key = key, .in_resource = of_resource};
  reader again = *r;
  again.columns = TRACEQL_NO_COLUMNS;
  again.makes_up = false;
  again.look = &look;
  read_filter(&again);
  return look;
}

static bool is_made_up(const reader *r, bt_str key, bool of_resource, const bt_value *stored) {
  return r->makes_up && !traceql_column_holds(r->columns, stored) && look_of(r, key, of_resource).takes_nothing;
}

/* An array of what the key's column holds lies outside of it, and a test of that type looks at the column. */
static bool is_overlooked(const reader *r, bt_str key, bool of_resource, const bt_value *stored,
                          const bt_value *asked) {
  bool lies_beside =
      traceql_has_column(r->columns, key) && stored->type == BT_VALUE_ARRAY && traceql_column_holds(r->columns, asked);
  if (!lies_beside) return false;
  traceql_look look = look_of(r, key, of_resource);
  return !(look.asks_beside && look.asks_all);
}

static bt_value value_of(const reader *r, bt_str key, bool of_resource) {
  return traceql_attribute(of_resource ? r->span->resource->attributes : r->span->attributes, key);
}

/* `!= nil`: there with a value that Tempo keeps; of a key with a column, in the column. It collects the elements of
 * every array, those of other keys that are asked for too. */
static bool is_there(reader *r, bt_str key, bool of_resource) {
  if (r->probe && r->probe_resource == of_resource) r->passed = true;
  if (of_resource && bt_str_equal(key, BT_STR("service.name"))) return true;
  bt_value stored = value_of(r, key, of_resource);
  if (is_made_up(r, key, of_resource, &stored)) return true;
  if (traceql_has_column(r->columns, key) && !r->makes_up) return traceql_column_holds(r->columns, &stored);
  if (stored.type == BT_VALUE_ARRAY) return stored.array.count > 0;
  return stored.type != BT_VALUE_MISSING && stored.type != BT_VALUE_OTHER;
}

static bool attribute_meets(const reader *r, bt_str key, bool of_resource, const char *op, const bt_value *asked) {
  static const bt_value made_up = {.type = BT_VALUE_STRING, .string = {"nil", 3}};
  bt_value stored = value_of(r, key, of_resource);
  if (traceql_scalar_meets(r->numbers, &made_up, op, asked) && is_made_up(r, key, of_resource, &stored)) return true;
  if (is_overlooked(r, key, of_resource, &stored, asked)) return false;
  return of_resource ? resource_meets(r, key, op, asked) : value_meets(r, &stored, false, op, asked);
}

/* Some event of the span meets it. */
static bool read_event_test(reader *r) {
  text_bytes key, room;
  literal asked;
  bool is_name = takes(r, ":name"), found = false;
  r->event_tests++;
  if (!is_name) {
    if (!takes(r, ".")) stop(r, "expected a field of events");
    r->event_attribute_tests++;
    read_key(r, &key);
  }
  const char *op = read_operator(r);
  read_literal(r, &room, &asked);
  if (asked.is_word) stop(r, "a word is no value of an event");
  for (uint32_t i = 0; i < r->span->event_count; i++) {
    const bt_event *event = &r->span->events[i];
    bt_value stored = {.type = BT_VALUE_STRING, .string = event->name};
    if (!is_name) stored = traceql_attribute(event->attributes, (bt_str){key.bytes, key.length});
    found = value_meets(r, &stored, false, op, &asked.value) || found;
  }
  return found;
}

/* What Tempo answers about events holds of such queries only (tests/facts/facts_events.py). */
static void check_event_tests(const reader *r) {
  if (r->event_tests > 1) stop(r, "a query has one test of events");
  if (r->event_attribute_tests && r->tests > 1) stop(r, "a test of an event's attribute is alone");
}

static bool read_test(reader *r) {
  static const char *const intrinsics[] = {"name", "kind", "statusMessage", "status", "duration"};
  text_bytes key, room;
  literal asked;
  r->tests++;
  if (takes(r, "true")) return true;
  if (takes(r, "event")) return read_event_test(r);
  bool of_span = takes(r, "span."), of_resource = !of_span && takes(r, "resource.");
  for (size_t i = 0; !of_span && !of_resource && i < sizeof intrinsics / sizeof *intrinsics; i++)
    if (takes(r, intrinsics[i])) return read_intrinsic(r, intrinsics[i]);
  if (!of_span && !of_resource) stop(r, "expected a field");
  read_key(r, &key);
  const char *op = read_operator(r);
  bt_str name = {key.bytes, key.length};
  bool is_nil = strcmp(op, "!=") == 0 && takes(r, "nil");
  if (is_nil && r->look) traceql_look_at(r->look, of_resource, name, op, NULL);
  if (is_nil) return is_there(r, name, of_resource);
  read_literal(r, &room, &asked);
  if (asked.is_word) stop(r, "a word is no value of an attribute");
  if (asked.value.type == BT_VALUE_DOUBLE && strcmp(op, "!=") == 0) r->has_unequal_double = true;
  if (r->probe && r->probe_resource == of_resource && traceql_scalar_meets(r->numbers, r->probe, op, &asked.value))
    r->passed = true;
  if (r->look) traceql_look_at(r->look, of_resource, name, op, &asked.value);
  return attribute_meets(r, name, of_resource, op, &asked.value);
}

static bool read_unary(reader *r) {
  if (takes(r, "!(")) {
    bool fails = read_or(r);
    if (!takes(r, ")")) stop(r, "expected )");
    return !fails;
  }
  if (!takes(r, "(")) return read_test(r);
  bool holds = read_or(r);
  if (!takes(r, ")")) stop(r, "expected )");
  return holds;
}

static bool read_and(reader *r) {
  bool holds = read_unary(r);
  while (takes(r, "&&")) holds = read_unary(r) && holds;
  return holds;
}

static bool read_or(reader *r) {
  bool holds = read_and(r);
  while (takes(r, "||")) holds = read_and(r) || holds;
  return holds;
}

static bool read_filter(reader *r) {
  r->at = r->tests = r->event_tests = r->event_attribute_tests = 0;
  if (!takes(r, "{")) stop(r, "expected {");
  bool holds = peek(r) == '}' || read_or(r);
  if (!takes(r, "}") || r->at != r->whole.len) stop(r, "expected the end");
  check_event_tests(r);
  return holds;
}

bool traceql_finds(bt_str filter, const bt_trace *trace, traceql_numbers numbers) {
  bool found = false;
  for (uint32_t i = 0; i < trace->span_count; i++) {
    reader r = {.whole = filter, .span = &trace->spans[i], .numbers = numbers};
    found = read_filter(&r) || found;
  }
  return found;
}

/* ---- Tempo's worst ---- */

/* Whether an attribute of the scope with this value, of any key, would be collected. */
static bool is_collected(const reader *of, const bt_value *value, bool of_resource) {
  reader r = *of;
  r.probe = value;
  r.probe_resource = of_resource;
  read_filter(&r);
  return r.passed;
}

typedef struct mixing {
  const reader *reader;
  bool of_resource, wants; /* looked for is a mixture that makes the filter hold, or not */
  const bt_value *elements;
} mixing;

static bool is_such(const mixing *m, const bt_value *value) {
  if (value->type != m->elements[0].type || !is_collected(m->reader, value, m->of_resource)) return false;
  reader r = *m->reader;
  r.mixed = m->elements;
  r.mixed_in_resource = m->of_resource;
  r.mixture = value;
  return read_filter(&r) == m->wants;
}

static bool some_is_such(const mixing *m, bt_attributes attributes) {
  for (uint32_t i = 0; i < attributes.count; i++) {
    const bt_value *value = &attributes.items[i].value;
    if (value->type != BT_VALUE_ARRAY && is_such(m, value)) return true;
    for (uint32_t e = 0; value->type == BT_VALUE_ARRAY && e < value->array.count; e++)
      if (is_such(m, &value->array.items[e])) return true;
  }
  return false;
}

/* Among the trace's values and a few others. */
static bool mixture_exists(const mixing *m, const bt_trace *trace) {
  static const bt_value others[] = {
      {.type = BT_VALUE_INT, .integer = -1},          {.type = BT_VALUE_INT, .integer = 0},
      {.type = BT_VALUE_INT, .integer = 1},           {.type = BT_VALUE_INT, .integer = 1000000},
      {.type = BT_VALUE_DOUBLE, .decimal = -1e300},   {.type = BT_VALUE_DOUBLE, .decimal = 1.5},
      {.type = BT_VALUE_DOUBLE, .decimal = 1e299},    {.type = BT_VALUE_STRING, .string = {"x", 1}},
      {.type = BT_VALUE_STRING, .string = {"zzz", 3}}};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (is_such(m, &others[i])) return true;
  for (uint32_t i = 0; i < trace->span_count; i++)
    if (some_is_such(m, trace->spans[i].attributes) || some_is_such(m, trace->spans[i].resource->attributes))
      return true;
  return false;
}

/* Whether mixing up one array of the span can make the filter hold, or not (`wants`). */
static bool mixing_makes(const reader *r, const bt_trace *trace, bt_attributes attributes, bool of_resource,
                         bool wants) {
  for (uint32_t i = 0; i < attributes.count; i++) {
    const bt_value *value = &attributes.items[i].value;
    uint32_t collected = 0;
    for (uint32_t e = 0; value->type == BT_VALUE_ARRAY && e < value->array.count; e++)
      collected += is_collected(r, &value->array.items[e], of_resource);
    if (collected < 2) continue; /* one element is copied */
    mixing m = {r, of_resource, wants, value->array.items};
    if (mixture_exists(&m, trace)) return true;
  }
  return false;
}

/* Whether the query asks for an attribute that is called like a field: else none is collected. */
static bool asks_for_namesake(const reader *r) {
  static const char *const names[] = {"span.duration ", "resource.duration ", "span.name ", "resource.name "};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (bt_str_contains(r->whole, bt_str_from(names[i]))) return true;
  return false;
}

static bool span_is_found(reader *r, const bt_trace *trace, traceql_worst worst) {
  bool holds = read_filter(r);
  if (worst == TRACEQL_DOUBLES_HIDDEN) {
    r->hides_doubles = !r->has_unequal_double;
    return read_filter(r);
  }
  bool wants = worst == TRACEQL_ARRAYS_FOUND;
  r->confuses_names = wants && asks_for_namesake(r);
  if (r->confuses_names) holds = read_filter(r) || holds;
  if (holds == wants) return holds;
  bool changes = mixing_makes(r, trace, r->span->attributes, false, wants) ||
                 mixing_makes(r, trace, r->span->resource->attributes, true, wants);
  return changes ? wants : holds;
}

static reader reader_at_worst(bt_str filter, const bt_span *span, traceql_worst worst) {
  bool finds_most =
      worst == TRACEQL_ARRAYS_FOUND || worst == TRACEQL_STRING_COLUMNS_FOUND || worst == TRACEQL_INT_COLUMNS_FOUND;
  reader r = {.whole = filter, .span = span, .numbers = finds_most ? TRACEQL_NUMBERS_MIXED : TRACEQL_NUMBERS_APART};
  if (worst == TRACEQL_STRING_COLUMNS_MISSED || worst == TRACEQL_STRING_COLUMNS_FOUND)
    r.columns = TRACEQL_STRING_COLUMNS;
  if (worst == TRACEQL_INT_COLUMNS_MISSED || worst == TRACEQL_INT_COLUMNS_FOUND) r.columns = TRACEQL_INT_COLUMNS;
  r.makes_up = r.columns != TRACEQL_NO_COLUMNS && finds_most;
  return r;
}

bool traceql_finds_at_worst(bt_str filter, const bt_trace *trace, traceql_worst worst) {
  for (uint32_t i = 0; i < trace->span_count; i++) {
    reader r = reader_at_worst(filter, &trace->spans[i], worst);
    if (r.columns != TRACEQL_NO_COLUMNS ? read_filter(&r) : span_is_found(&r, trace, worst)) return true;
  }
  return false;
}

bool traceql_formula_holds_at_worst(const bt_over *over, const bt_trace *trace, traceql_worst worst, bool surely) {
  switch (over->kind) {
  case BT_OVER_ALL: return true;
  case BT_OVER_NONE: return false;
  case BT_OVER_QUERY:
    return !(surely && over->is_surplus) && traceql_finds_at_worst(asked_text(over->query.asked), trace, worst);
  case BT_OVER_AND:
  case BT_OVER_OR:
    for (uint32_t i = 0; i < over->item_count; i++)
      if (traceql_formula_holds_at_worst(over->items[i], trace, worst, surely) == (over->kind == BT_OVER_OR))
        return over->kind == BT_OVER_OR;
    return over->kind == BT_OVER_AND;
  }
  return false;
}

bool traceql_formula_holds(const bt_over *over, const bt_trace *trace, traceql_numbers numbers) {
  switch (over->kind) {
  case BT_OVER_ALL: return true;
  case BT_OVER_NONE: return false;
  case BT_OVER_QUERY: return traceql_finds(asked_text(over->query.asked), trace, numbers);
  case BT_OVER_AND:
  case BT_OVER_OR:
    for (uint32_t i = 0; i < over->item_count; i++)
      if (traceql_formula_holds(over->items[i], trace, numbers) == (over->kind == BT_OVER_OR))
        return over->kind == BT_OVER_OR;
    return over->kind == BT_OVER_AND;
  }
  return false;
}
