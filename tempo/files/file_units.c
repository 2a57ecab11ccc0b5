/* Trace files in units. See file_units.h. The window grows to hold the unit that is looked at, and moves on with it. */
#include "tempo/files/file_units.h"

#include <stdlib.h>
#include <string.h>

enum { READ_BYTES = 256 * 1024, SNIFF_BYTES = 4096, LINE_BYTES = 1 << 20, LEAST_OF_LINE = LINE_BYTES / 4 };
static const uint64_t largest_unit_bytes = ((uint64_t)4 << 30) - 1;

/* ---- the window ---- */

static bt_status grow_window(bt_file_units *units, size_t capacity, bt_error *error) {
  if (capacity <= units->window_capacity) return BT_OK;
  if (capacity < units->window_capacity * 2) capacity = units->window_capacity * 2;
  char *window = realloc(units->window, capacity);
  if (!window) return bt_error_no_memory(error);
  units->window = window;
  units->window_capacity = capacity;
  return BT_OK;
}

/* Bytes before `at` go, and others come to the end. *more: how many; 0 at the end of the content. */
static bt_status read_more(bt_file_units *units, size_t *more, bt_error *error) {
  size_t passed = (size_t)(units->at - units->window_at);
  units->window_length -= passed;
  if (passed && units->window_length) memmove(units->window, units->window + passed, units->window_length);
  units->window_at = units->at;
  uint64_t from = units->window_at + units->window_length, left = bt_file_content_size(units->content) - from;
  *more = left < READ_BYTES ? (size_t)left : READ_BYTES;
  if (units->window_length + *more > largest_unit_bytes)
    return bt_error_set(error, BT_LIMIT, "a single document or message in it is larger than 4 GiB");
  bt_status status = grow_window(units, units->window_length + *more, error);
  if (status == BT_OK && *more)
    status = bt_file_content_read(units->content, from, units->window + units->window_length, *more, error);
  if (status == BT_OK) units->window_length += *more;
  return status;
}

/* The bytes from `at` on that are in the window. */
static bt_str in_window(const bt_file_units *units) {
  size_t passed = (size_t)(units->at - units->window_at);
  return (bt_str){units->window ? units->window + passed : "", units->window_length - passed};
}

/* At least so many bytes from `at` on, or all there are. */
static bt_status want_bytes(bt_file_units *units, uint64_t length, bt_error *error) {
  bt_status status = BT_OK;
  for (size_t more = 1; status == BT_OK && more && in_window(units).len < length;)
    status = read_more(units, &more, error);
  return status;
}

static void move_on(bt_file_units *units, size_t length) {
  const char *byte = in_window(units).ptr;
  for (size_t i = 0; i < length; i++) {
    bool is_break = byte[i] == '\n';
    units->place.line += is_break;
    units->place.column = is_break ? 0 : units->place.column + 1;
  }
  units->place.byte += length;
  units->at += length;
}

/* ---- what it is ---- */

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t skip_blanks(bt_str text, size_t at) {
  while (at < text.len && is_blank(text.ptr[at])) at++;
  return at;
}

/* A bracket as the first byte is none of protobuf's. After blanks it may be: protobuf begins with 0x0A, which is a line
 * break to JSON. But no message of this format goes on with a bracket, blanks and then what JSON wants there: that
 * would be a ResourceSpans of 123 bytes that begins with a field which does not exist. */
static bool is_json(bt_str text) {
  size_t at = skip_blanks(text, 0);
  if (at == text.len || (text.ptr[at] != '{' && text.ptr[at] != '[')) return false;
  size_t inside = skip_blanks(text, at + 1);
  if (at == 0 || inside == text.len) return true;
  return strchr(text.ptr[at] == '{' ? "\"}" : "{[]", text.ptr[inside]) != NULL && text.ptr[inside];
}

/* A message cannot begin with a zero byte, and a length of less than 16 MiB does. */
static bt_file_format format_of(bt_str start) {
  if (skip_blanks(start, 0) == start.len) return BT_FILE_EMPTY;
  if (is_json(start)) return BT_FILE_JSON;
  if (start.len >= 4 && start.ptr[0] == '\0') return BT_FILE_PREFIXED;
  return start.ptr[0] == '\n' ? BT_FILE_PROTOBUF : BT_FILE_OTHER;
}

static bt_status skip_all_blanks(bt_file_units *units, bt_error *error) {
  for (;;) {
    bt_status status = want_bytes(units, 1, error);
    if (status != BT_OK) return status;
    bt_str rest = in_window(units);
    size_t blanks = skip_blanks(rest, 0);
    move_on(units, blanks);
    if (blanks < rest.len || !rest.len) return BT_OK;
  }
}

bt_status bt_file_units_start(bt_file_units *units, const bt_file_content *content, bt_error *error) {
  *units = (bt_file_units){.content = content};
  bt_status status = want_bytes(units, SNIFF_BYTES, error);
  if (status != BT_OK) return status;
  bt_str start = in_window(units);
  if (bt_str_starts_with(start, BT_STR("\xEF\xBB\xBF"))) {
    units->at += 3; /* no column of what a person sees */
    start = in_window(units);
  }
  units->format = format_of(start);
  units->by_line = true;
  if (units->format != BT_FILE_EMPTY) return BT_OK;
  status = skip_all_blanks(units, error); /* the blanks may go on past what was looked at */
  if (status == BT_OK && in_window(units).len) units->format = BT_FILE_JSON;
  return status;
}

bt_str bt_file_units_seen(const bt_file_units *units) {
  return in_window(units);
}

void bt_file_units_dispose(bt_file_units *units) {
  free(units->window);
  *units = (bt_file_units){0};
}

/* ---- where a unit ends ---- */

typedef struct json_scan {
  size_t depth;
  bool in_string, is_escaped, is_done;
} json_scan;

static void scan_byte(json_scan *s, char c) {
  if (s->in_string) {
    bool closes = c == '"' && !s->is_escaped;
    s->is_escaped = c == '\\' && !s->is_escaped;
    s->in_string = !closes;
  } else if (c == '"') {
    s->in_string = true;
  } else if (c == '{' || c == '[') {
    s->depth++;
  } else if (c == '}' || c == ']') {
    s->is_done = s->depth <= 1;
    s->depth -= s->depth > 0;
  }
}

/* The document from `at` on: to the bracket that closes its first one, or to the end of the content. What does not
 * begin with a bracket goes to the decoder as far as it was looked at: it stops at the first byte. */
static bt_status measure_json(bt_file_units *units, uint64_t *length, bt_error *error) {
  json_scan scan = {0};
  size_t looked = 0, more = 1;
  char first = in_window(units).ptr[0];
  if (first != '{' && first != '[') {
    *length = in_window(units).len;
    return BT_OK;
  }
  for (bt_status status = BT_OK; more; status = read_more(units, &more, error)) {
    if (status != BT_OK) return status;
    bt_str rest = in_window(units);
    while (looked < rest.len && !scan.is_done) scan_byte(&scan, rest.ptr[looked++]);
    if (scan.is_done) break;
  }
  *length = looked;
  return BT_OK;
}

/* To the end of the line. Counting brackets is a look at every byte, by one thread while others wait. A line of JSON
 * lines is one document, and no other line can be decoded as one: none is whole before its last bracket. 0: the
 * line is too long to be taken as one. */
static bt_status measure_line(bt_file_units *units, uint64_t *length, bt_error *error) {
  size_t looked = 0, more = 1;
  *length = 0;
  for (bt_status status = BT_OK; looked < LINE_BYTES; status = read_more(units, &more, error)) {
    if (status != BT_OK) return status;
    bt_str rest = in_window(units);
    const char *end = memchr(rest.ptr + looked, '\n', rest.len - looked);
    if (end || !more) *length = end ? (uint64_t)(end - rest.ptr) : rest.len;
    if (end || !more) break;
    looked = rest.len;
  }
  return BT_OK;
}

/* Where lines are long and documents are not, looking for the end of a line is in vain. */
static bt_status measure_document(bt_file_units *units, uint64_t *length, bool *is_line, bt_error *error) {
  char first = in_window(units).ptr[0];
  *length = 0;
  bt_status status = units->by_line && (first == '{' || first == '[') ? measure_line(units, length, error) : BT_OK;
  *is_line = *length > 0;
  if (status != BT_OK || *is_line) return status;
  status = measure_json(units, length, error);
  units->by_line &= *length >= LEAST_OF_LINE;
  return status;
}

/* The varint at the front; *taken 0: it is cut off or too long. */
static uint64_t read_varint(bt_str bytes, size_t *taken) {
  uint64_t value = 0;
  *taken = 0;
  for (size_t i = 0; i < bytes.len && i < 10; i++) {
    value |= (uint64_t)((unsigned char)bytes.ptr[i] & 0x7F) << (7 * i);
    if ((unsigned char)bytes.ptr[i] & 0x80) continue;
    *taken = i + 1;
    break;
  }
  return value;
}

/* A field of TracesData, with its tag. What is wrong or cut off goes to the decoder as it is, with what is left. */
static bt_status measure_field(bt_file_units *units, uint64_t *length, bt_error *error) {
  enum { HEAD_BYTES = 20 };
  bt_status status = want_bytes(units, HEAD_BYTES, error);
  if (status != BT_OK) return status;
  bt_str head = in_window(units);
  uint64_t left = bt_file_content_size(units->content) - units->at;
  size_t tag_bytes, value_bytes;
  uint64_t tag = read_varint(head, &tag_bytes);
  uint64_t value = read_varint((bt_str){head.ptr + tag_bytes, head.len - tag_bytes}, &value_bytes);
  uint64_t fixed = (tag & 7) == 1 ? 8 : 4, whole = tag_bytes + fixed;
  if ((tag & 7) == 0) whole = tag_bytes + value_bytes;
  if ((tag & 7) == 2) whole = value > left ? left : tag_bytes + value_bytes + value;
  bool is_known = tag_bytes && ((tag & 7) == 1 || (tag & 7) == 5 || value_bytes);
  *length = is_known && whole < left ? whole : left;
  if ((tag & 7) == 3 || (tag & 7) == 4 || (tag & 7) > 5 || !is_known)
    *length = left < READ_BYTES ? left : READ_BYTES; /* no field that there is: the decoder says so at its first byte */
  return BT_OK;
}

static bt_status is_zero_to_end(const bt_file_units *units, bool *out, bt_error *error) {
  char piece[4096];
  uint64_t end = bt_file_content_size(units->content);
  bt_status status = BT_OK;
  *out = true;
  for (uint64_t at = units->at; status == BT_OK && *out && at < end; at += sizeof piece) {
    size_t length = end - at < sizeof piece ? (size_t)(end - at) : sizeof piece;
    status = bt_file_content_read(units->content, at, piece, length, error);
    for (size_t i = 0; status == BT_OK && i < length; i++) *out = *out && !piece[i];
  }
  return status;
}

static bt_status refuse_cut_message(bt_error *error) {
  return bt_error_set(error, BT_INVALID, "the last of the length-prefixed messages is cut off");
}

/* A message of no bytes would be a batch without spans. Zeros are what a file system leaves of what was not written: up
 * to the end of the file the last message is cut off, and elsewhere the decoder refuses them. */
static bt_status take_empty_message(bt_file_units *units, bt_error *error) {
  bool is_end;
  units->after_empty = true;
  bt_status status = is_zero_to_end(units, &is_end, error);
  return status == BT_OK && is_end ? refuse_cut_message(error) : status;
}

static bt_status measure_prefixed(bt_file_units *units, uint64_t *length, bt_error *error) {
  enum { PREFIX_BYTES = 4 };
  bt_status status = want_bytes(units, PREFIX_BYTES, error);
  if (status != BT_OK) return status;
  bt_str prefix = in_window(units);
  uint64_t left = bt_file_content_size(units->content) - units->at;
  *length = 0;
  for (size_t i = 0; i < PREFIX_BYTES && i < prefix.len; i++) *length = *length << 8 | (unsigned char)prefix.ptr[i];
  if (*length == 0) status = take_empty_message(units, error);
  if (status != BT_OK) return status;
  if (prefix.len < PREFIX_BYTES || *length > left - PREFIX_BYTES) return refuse_cut_message(error);
  units->at += PREFIX_BYTES;
  units->place = (bt_document_place){0}; /* bytes count from the message's first */
  return BT_OK;
}

static bt_status measure_unit(bt_file_units *units, uint64_t *length, bool *is_line, bt_error *error) {
  switch (units->format) {
  case BT_FILE_JSON: return measure_document(units, length, is_line, error);
  case BT_FILE_PREFIXED: return measure_prefixed(units, length, error);
  case BT_FILE_PROTOBUF: return measure_field(units, length, error);
  case BT_FILE_EMPTY:
  case BT_FILE_JSON_LINE:
  case BT_FILE_ANSWER:
  case BT_FILE_OTHER: break;
  }
  *length = bt_file_content_size(units->content) - units->at;
  return BT_OK;
}

bt_status bt_file_units_next(bt_file_units *units, bt_file_unit *unit, bt_str *bytes, bool *found, bt_error *error) {
  uint64_t length = 0;
  bool is_line = false;
  *found = false;
  bt_status status = units->format == BT_FILE_JSON ? skip_all_blanks(units, error) : want_bytes(units, 1, error);
  if (status != BT_OK || units->after_empty || units->at == bt_file_content_size(units->content)) return status;
  status = measure_unit(units, &length, &is_line, error);
  if (status == BT_OK && length > largest_unit_bytes)
    return bt_error_set(error, BT_LIMIT, "a single document or message in it is larger than 4 GiB");
  if (status == BT_OK) status = want_bytes(units, length, error);
  if (status != BT_OK) return status;
  *unit = (bt_file_unit){.offset = units->at, .length = length, .place = units->place, .is_line = is_line};
  *bytes = (bt_str){in_window(units).ptr, (size_t)length};
  if (units->format == BT_FILE_JSON && !is_line) {
    move_on(units, (size_t)length);
  } else {
    units->at += length;
    units->place.byte += length;
    units->place.column += is_line ? length : 0;
  }
  *found = true;
  return BT_OK;
}

void bt_file_units_go_back(bt_file_units *units, const bt_file_unit *unit) {
  units->at = units->window_at = unit->offset;
  units->window_length = 0;
  units->place = unit->place;
  units->by_line = false;
}

static bt_status refuse_empty_message(bt_error *error) {
  return bt_error_set(error, BT_INVALID,
                      "zeros stand where a message is expected: something was lost there. A program that truncates a "
                      "file while another one writes it leaves such zeros, as copytruncate of logrotate does");
}

static bt_status refuse_text(bt_str text, bt_error *error) {
  static const struct {
    const char *beginning, *printer;
  } printed[] = {{"Spans\nResource\n", "opentelemetry-stdout of the Rust SDK"},
                 {"#<struct OpenTelemetry::SDK::Trace::SpanData", "the Ruby SDK's ConsoleSpanExporter"},
                 {"Activity.TraceId:", "the .NET SDK's ConsoleExporter"}};
  for (size_t i = 0; i < sizeof printed / sizeof *printed; i++)
    if (bt_str_starts_with(text, bt_str_from(printed[i].beginning)))
      return bt_error_set(error, BT_INVALID,
                          "this is what %s prints: use its OTLP exporter, and betrace listen or the Collector's file "
                          "exporter",
                          printed[i].printer);
  return bt_error_set(error, BT_INVALID, "it is neither OTLP JSON nor OTLP protobuf (TracesData)");
}

bt_status bt_file_unit_decode(bt_file_format format, const bt_document_place *place, bt_str bytes, bt_span_batch *batch,
                              bt_error *error) {
  bool partial;
  bt_span_batch_place(batch, place);
  switch (format) {
  case BT_FILE_JSON: return bt_otlp_decode_json_documents(bytes, batch, error);
  case BT_FILE_JSON_LINE: return bt_otlp_decode_json_line(bytes, batch, error);
  case BT_FILE_PREFIXED:
    if (!bytes.len) return refuse_empty_message(error);
    return bt_otlp_decode_protobuf(bytes, batch, error);
  case BT_FILE_PROTOBUF: return bt_otlp_decode_protobuf(bytes, batch, error);
  case BT_FILE_ANSWER: return bt_tempo_decode_trace(bytes, false, batch, &partial, error);
  case BT_FILE_EMPTY: return bt_error_set(error, BT_INVALID, "it is empty; expected OTLP JSON or protobuf");
  case BT_FILE_OTHER: break;
  }
  return refuse_text(bytes, error);
}
