/* Reading traces from text. See trace_text.h. */
#include "tests/support/trace_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64, MAX_FIELDS = 64, MAX_EVENTS = 16, MAX_LINKS = 16, MAX_ITEMS = 32 };

static const int64_t epoch_ns = 1700000000000000000;
static const double most_ns = 3.5e18; /* twice that and the epoch still fit */

typedef struct attribute_list {
  bt_attribute items[MAX_FIELDS];
  uint32_t count, dropped;
} attribute_list;

typedef struct span_text { /* one line while it is read */
  bt_span span;
  bt_resource resource;
  bt_scope scope;
  attribute_list attributes, resource_attributes, scope_attributes;
  bt_event events[MAX_EVENTS];
  attribute_list event_attributes[MAX_EVENTS];
  bt_link links[MAX_LINKS];
  attribute_list link_attributes[MAX_LINKS];
  bool has_parent, has_end;
} span_text;

typedef struct reader {
  bt_arena *arena;
  const char *at; /* in the text */
  unsigned line;
  int64_t last_start_ns;
  bt_span_id at_depth[MAX_DEPTH]; /* the last span of each depth */
  char *message;
  size_t message_bytes;
} reader;

static bool fail(reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(reader *r, const char *format, ...) {
  int used = snprintf(r->message, r->message_bytes, "trace line %u: ", r->line);
  va_list list;
  va_start(list, format);
  if (used >= 0 && (size_t)used < r->message_bytes)
    vsnprintf(r->message + used, r->message_bytes - (size_t)used, format, list);
  va_end(list);
  return false;
}

static bt_str copy(reader *r, const char *start, size_t length) {
  bt_str out;
  if (!bt_arena_copy(r->arena, (bt_str){start, length}, &out)) abort();
  return out;
}

static void skip_blanks(reader *r) {
  while (*r->at == ' ' || *r->at == '\t') r->at++;
}

static bool at_end_of_line(const reader *r) {
  return *r->at == '\0' || *r->at == '\n';
}

/* A word up to a blank, or to one of `stops`; or a quoted string with \" \\ \n and \xHH, whose quotes are taken off. */
static bt_str read_word(reader *r, const char *stops, bool *was_quoted) {
  *was_quoted = *r->at == '"';
  if (!*was_quoted) {
    const char *start = r->at;
    while (!at_end_of_line(r) && *r->at != ' ' && !strchr(stops, *r->at)) r->at++;
    return copy(r, start, (size_t)(r->at - start));
  }
  bt_buffer text = {0};
  for (r->at++; !at_end_of_line(r) && *r->at != '"'; r->at++) {
    char c = *r->at, hex[3] = {0};
    if (c == '\\' && r->at[1] == 'x' && r->at[2] && r->at[3]) {
      memcpy(hex, r->at + 2, 2);
      c = (char)strtol(hex, NULL, 16);
      r->at += 3;
    } else if (c == '\\' && r->at[1]) {
      c = *++r->at == 'n' ? '\n' : *r->at;
    }
    bt_buffer_append_char(&text, c);
  }
  if (*r->at == '"') r->at++;
  bt_str out = copy(r, text.ptr, text.len);
  bt_buffer_dispose(&text);
  return out;
}

bool trace_text_duration(bt_str text, int64_t *ns) {
  static const struct {
    const char *name;
    int64_t ns;
  } units[] = {{"ns", 1},          {"us", 1000},         {"ms", 1000000},      {"s", 1000000000},
               {"m", 60000000000}, {"h", 3600000000000}, {"d", 86400000000000}};
  const char *at = text.ptr, *end = text.ptr + text.len;
  bool is_negative = text.len && *at == '-';
  if (is_negative) at++;
  for (*ns = 0; at < end;) {
    char *after;
    double number = strtod(at, &after);
    if (after == at) return false;
    size_t length = strspn(after, "numshd"), unit = 0, count = sizeof units / sizeof units[0];
    while (unit < count && (strlen(units[unit].name) != length || memcmp(units[unit].name, after, length) != 0)) unit++;
    if (unit == count) return false;
    double total = (double)*ns + number * (double)units[unit].ns;
    if (!(total >= 0 && total < most_ns)) return false;
    *ns += (int64_t)llround(number * (double)units[unit].ns);
    at = after + length;
  }
  if (is_negative) *ns = -*ns;
  return text.len > (is_negative ? 1u : 0u);
}

static bool parse_number(bt_str word, bt_value *out) {
  char *end;
  if (word.len == 0 || !strchr("-.0123456789ni", word.ptr[0])) return false;
  long long integer = strtoll(word.ptr, &end, 10);
  if (*end == '\0') return *out = (bt_value){.type = BT_VALUE_INT, .integer = integer}, true;
  double decimal = strtod(word.ptr, &end);
  if (*end != '\0') return false;
  *out = (bt_value){.type = BT_VALUE_DOUBLE, .decimal = decimal};
  return true;
}

static bt_value scalar_value(bt_str word, bool was_quoted) {
  bt_value value = {.type = BT_VALUE_STRING, .string = word};
  if (was_quoted || parse_number(word, &value)) return value;
  if (bt_str_equal(word, BT_STR("null"))) return (bt_value){.type = BT_VALUE_MISSING};
  if (bt_str_equal(word, BT_STR("{}"))) return (bt_value){.type = BT_VALUE_OTHER};
  bool is_true = bt_str_equal(word, BT_STR("true"));
  if (is_true || bt_str_equal(word, BT_STR("false"))) return (bt_value){.type = BT_VALUE_BOOL, .boolean = is_true};
  return value;
}

/* Empty and mixed arrays count as missing: the decoders give BT_VALUE_OTHER for them. */
static bt_value array_value(reader *r) {
  bt_value *items = bt_arena_array(r->arena, MAX_ITEMS, sizeof *items);
  uint32_t count = 0;
  bool is_mixed = false, was_quoted;
  if (!items) abort();
  for (r->at++; *r->at != ']' && !at_end_of_line(r) && count < MAX_ITEMS; count++) {
    bt_str word = read_word(r, ",]", &was_quoted);
    items[count] = scalar_value(word, was_quoted);
    if (items[count].type != items[0].type) is_mixed = true;
    if (*r->at == ',') r->at++;
  }
  if (*r->at == ']') r->at++;
  if (count == 0 || is_mixed) return (bt_value){.type = BT_VALUE_OTHER};
  return (bt_value){.type = BT_VALUE_ARRAY, .array = {items, count}};
}

static bt_value read_value(reader *r) {
  bool was_quoted;
  if (*r->at == '[') return array_value(r);
  bt_str word = read_word(r, "", &was_quoted);
  return scalar_value(word, was_quoted);
}

static bool read_id(reader *r, bt_str word, bt_span_id *id) {
  if (word.len == BT_SPAN_ID_HEX && bt_span_id_parse(word, id)) return true;
  if (word.len == 0 || word.len > sizeof id->bytes) return fail(r, "an id has 1 to 8 characters, or 16 hex digits");
  memset(id, 0, sizeof *id);
  memcpy(id->bytes + sizeof id->bytes - word.len, word.ptr, word.len);
  return true;
}

void trace_text_id_name(const bt_span_id *id, char name[BT_SPAN_ID_HEX + 1]) {
  size_t start = 0;
  while (start < sizeof id->bytes && id->bytes[start] == 0) start++;
  bt_span_id_format(id, name);
  for (size_t i = start; i < sizeof id->bytes; i++)
    if (id->bytes[i] <= ' ' || id->bytes[i] > '~') return;
  memcpy(name, id->bytes + start, sizeof id->bytes - start);
  name[sizeof id->bytes - start] = '\0';
}

static bool add_attribute(reader *r, attribute_list *list, bt_str key, bt_value value) {
  if (list->count == MAX_FIELDS) return fail(r, "too many attributes");
  list->items[list->count++] = (bt_attribute){key, value};
  return true;
}

static bool set_enum(reader *r, bt_str word, const char *const *names, size_t count, int *out) {
  for (size_t i = 0; i < count; i++)
    if (bt_str_equal(word, bt_str_from(names[i]))) return *out = (int)i, true;
  return fail(r, "%.*s is no kind or status", BT_FMT(word));
}

static bool set_kind(reader *r, span_text *s, bt_str word) {
  static const char *const names[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
  int number = 0;
  if (!set_enum(r, word, names, sizeof names / sizeof names[0], &number)) return false;
  s->span.kind = (bt_span_kind)number;
  return true;
}

static bool set_status(reader *r, span_text *s, bt_str word) {
  static const char *const names[] = {"unset", "ok", "error"};
  int number = 0;
  if (!set_enum(r, word, names, sizeof names / sizeof names[0], &number)) return false;
  s->span.status = (bt_span_status)number;
  return true;
}

/* "?": nobody set it. */
static bool set_time(reader *r, bt_str word, int64_t base_ns, int64_t *out) {
  int64_t ns;
  if (bt_str_equal(word, BT_STR("?"))) return *out = 0, true;
  if (!trace_text_duration(word, &ns)) return fail(r, "%.*s is no duration", BT_FMT(word));
  *out = base_ns + ns;
  return true;
}

static bool set_parent(reader *r, span_text *s, bt_str word) {
  s->has_parent = true;
  s->span.parent_id = (bt_span_id){{0}};
  return word.len == 0 || read_id(r, word, &s->span.parent_id);
}

/* Its start, or where that is not known what it would have been without "?". */
static int64_t usual_start_ns(const reader *r, const span_text *s) {
  return s->span.start_ns ? s->span.start_ns : r->last_start_ns + 1000000;
}

static bool set_event_field(reader *r, span_text *s, bt_str key) {
  bool was_quoted;
  if (s->span.event_count == 0) return fail(r, "event.… before event=");
  uint32_t last = s->span.event_count - 1;
  if (bt_str_equal(key, BT_STR("at")))
    return set_time(r, read_word(r, "", &was_quoted), epoch_ns, &s->events[last].time_ns);
  return add_attribute(r, &s->event_attributes[last], key, read_value(r));
}

static bool add_event(reader *r, span_text *s, bt_str name) {
  if (s->span.event_count == MAX_EVENTS) return fail(r, "too many events");
  s->events[s->span.event_count++] = (bt_event){.name = name, .time_ns = usual_start_ns(r, s)};
  return true;
}

static bool set_link_field(reader *r, const span_text *s, attribute_list *lists, bt_str key) {
  if (s->span.link_count == 0) return fail(r, "link.… before link=");
  return add_attribute(r, &lists[s->span.link_count - 1], key, read_value(r));
}

/* TRACE/SPAN in hex, without leading zeros if one likes; an empty one is none. */
static bool add_link(reader *r, span_text *s, bt_str word) {
  if (s->span.link_count == MAX_LINKS) return fail(r, "too many links");
  const char *slash = memchr(word.ptr, '/', word.len);
  if (!slash) return fail(r, "%.*s is no TRACE/SPAN", BT_FMT(word));
  bt_str trace = {word.ptr, (size_t)(slash - word.ptr)}, span = {slash + 1, word.len - trace.len - 1};
  bt_link *link = &s->links[s->span.link_count++];
  *link = (bt_link){.attributes = {0}};
  if (trace.len && !bt_trace_id_parse(trace, &link->trace_id)) return fail(r, "%.*s is no trace id", BT_FMT(trace));
  return span.len == 0 || read_id(r, span, &link->span_id);
}

/* An empty name is none, as the decoders of tempo/ have it. */
static bool set_service(reader *r, span_text *s, bt_str word) {
  if (word.len) s->resource.service = word;
  return add_attribute(r, &s->resource_attributes, BT_STR("service.name"),
                       (bt_value){.type = BT_VALUE_STRING, .string = word});
}

static bool set_count(reader *r, bt_str word, uint32_t *out) {
  bt_value value;
  if (!parse_number(word, &value) || value.type != BT_VALUE_INT || value.integer < 0 || value.integer > UINT32_MAX)
    return fail(r, "%.*s is no count", BT_FMT(word));
  *out = (uint32_t)value.integer;
  return true;
}

/* Where the number goes that a field gives; NULL: it gives none, or stands before what it speaks of. */
static uint32_t *place_of_count(span_text *s, bt_str key) {
  uint32_t events = s->span.event_count, links = s->span.link_count;
  const struct {
    const char *name;
    uint32_t *place;
  } counts[] = {{"flags", &s->span.flags},
                {"dropped", &s->span.dropped_attributes},
                {"dropped_events", &s->span.dropped_events},
                {"dropped_links", &s->span.dropped_links},
                {"resource_dropped", &s->resource_attributes.dropped},
                {"scope_dropped", &s->scope_attributes.dropped},
                {"event_dropped", events ? &s->event_attributes[events - 1].dropped : NULL},
                {"link_dropped", links ? &s->link_attributes[links - 1].dropped : NULL}};
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
    if (bt_str_equal(key, bt_str_from(counts[i].name))) return counts[i].place;
  return NULL;
}

/* Fields that are not attributes; *is_known false: it is one. */
static bool set_intrinsic(reader *r, span_text *s, bt_str key, bool *is_known) {
  static const char *const names[] = {"parent", "service", "at",         "duration", "end",
                                      "kind",   "status",  "message",    "scope",    "scope_version",
                                      "event",  "link",    "trace_state"};
  size_t count = sizeof names / sizeof names[0], i = 0;
  bool was_quoted;
  uint32_t *number = place_of_count(s, key);
  if (number) return *is_known = true, set_count(r, read_word(r, "", &was_quoted), number);
  while (i < count && !bt_str_equal(key, bt_str_from(names[i]))) i++;
  *is_known = i < count;
  if (!*is_known) return true;
  bt_str word = read_word(r, "", &was_quoted);
  if (i > 2 && i < 5) s->has_end = true;
  switch (i) {
  case 0: return set_parent(r, s, word);
  case 1: return set_service(r, s, word);
  case 2: return set_time(r, word, epoch_ns, &s->span.start_ns);
  case 3: return set_time(r, word, usual_start_ns(r, s), &s->span.end_ns);
  case 4: return set_time(r, word, epoch_ns, &s->span.end_ns);
  case 5: return set_kind(r, s, word);
  case 6: return set_status(r, s, word);
  case 7: s->span.status_message = word; return true;
  case 8: s->scope.name = word; return true;
  case 9: s->scope.version = word; return true;
  case 10: return add_event(r, s, word);
  case 11: return add_link(r, s, word);
  default: s->span.trace_state = word; return true;
  }
}

static bool strip_prefix(bt_str *key, bt_str prefix) {
  if (!bt_str_starts_with(*key, prefix)) return false;
  *key = (bt_str){key->ptr + prefix.len, key->len - prefix.len};
  return true;
}

static bool read_field(reader *r, span_text *s) {
  bool was_quoted, is_known;
  bt_str key = read_word(r, "=", &was_quoted);
  if (*r->at != '=') return fail(r, "expected KEY=VALUE, got %.*s", BT_FMT(key));
  r->at++;
  if (!set_intrinsic(r, s, key, &is_known)) return false;
  if (is_known) return true;
  if (bt_str_equal(key, BT_STR("event_dropped")) || bt_str_equal(key, BT_STR("link_dropped")))
    return fail(r, "%.*s= before what it speaks of", BT_FMT(key));
  if (strip_prefix(&key, BT_STR("event."))) return set_event_field(r, s, key);
  if (strip_prefix(&key, BT_STR("link."))) return set_link_field(r, s, s->link_attributes, key);
  if (strip_prefix(&key, BT_STR("resource."))) return add_attribute(r, &s->resource_attributes, key, read_value(r));
  if (strip_prefix(&key, BT_STR("scope."))) return add_attribute(r, &s->scope_attributes, key, read_value(r));
  strip_prefix(&key, BT_STR("span."));
  return add_attribute(r, &s->attributes, key, read_value(r));
}

static void *keep(reader *r, const void *data, size_t count, size_t size) {
  void *kept = bt_arena_array(r->arena, count, size);
  if (!kept) abort();
  if (count) memcpy(kept, data, count * size);
  return kept;
}

static bt_attributes keep_attributes(reader *r, const attribute_list *list) {
  return (bt_attributes){keep(r, list->items, list->count, sizeof list->items[0]), list->count, list->dropped};
}

static void keep_span(reader *r, span_text *s) {
  if (!s->has_end) s->span.end_ns = usual_start_ns(r, s) + 1000000;
  s->resource.attributes = keep_attributes(r, &s->resource_attributes);
  s->scope.attributes = keep_attributes(r, &s->scope_attributes);
  s->span.attributes = keep_attributes(r, &s->attributes);
  for (uint32_t i = 0; i < s->span.event_count; i++)
    s->events[i].attributes = keep_attributes(r, &s->event_attributes[i]);
  for (uint32_t i = 0; i < s->span.link_count; i++) s->links[i].attributes = keep_attributes(r, &s->link_attributes[i]);
  s->span.links = keep(r, s->links, s->span.link_count, sizeof s->links[0]);
  s->span.events = keep(r, s->events, s->span.event_count, sizeof s->events[0]);
  s->span.resource = keep(r, &s->resource, 1, sizeof s->resource);
  s->span.scope = keep(r, &s->scope, 1, sizeof s->scope);
}

static bool read_span(reader *r, span_text *s) {
  bool was_quoted;
  size_t depth = strspn(r->at, ".");
  r->at += depth;
  skip_blanks(r);
  if (depth >= MAX_DEPTH) return fail(r, "too deep");
  if (!read_id(r, read_word(r, "", &was_quoted), &s->span.id)) return false;
  skip_blanks(r);
  if (at_end_of_line(r)) return fail(r, "a span has a name behind its id");
  s->span.name = read_word(r, "", &was_quoted);
  s->span.start_ns = r->last_start_ns + 1000000;
  if (depth > 0) s->span.parent_id = r->at_depth[depth - 1];
  for (skip_blanks(r); !at_end_of_line(r); skip_blanks(r))
    if (!read_field(r, s)) return false;
  r->at_depth[depth] = s->span.id;
  keep_span(r, s);
  if (s->span.start_ns) r->last_start_ns = s->span.start_ns;
  return true;
}

const bt_trace *trace_text_read(bt_arena *arena, const char *text, char *message, size_t message_bytes) {
  static const bt_trace_id id = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
  reader r = {.arena = arena, .at = text, .message = message, .message_bytes = message_bytes};
  r.last_start_ns = epoch_ns - 1000000;
  bt_trace_builder *builder = bt_trace_builder_new(arena, &id);
  span_text *s = malloc(sizeof *s);
  bool ok = builder && s;
  while (ok && *r.at) {
    r.line++;
    skip_blanks(&r);
    *s = (span_text){.span.start_ns = 0};
    if (!at_end_of_line(&r)) ok = read_span(&r, s) && bt_trace_builder_add(builder, &s->span);
    if (*r.at == '\n') r.at++;
  }
  free(s);
  return ok ? bt_trace_builder_finish(builder) : NULL;
}
