/* Telling arrays from plain values. See list_elements.h. */
#include "tempo/api/list_elements.h"

#include <stdlib.h>

#include "dsl/base/table.h"
#include "tempo/api/traceql.h"

enum {
  TEXTS_MAX = 252, /* of an attribute: ten questions */
  NUMBERS_MAX = 10,
  KEY_BYTES_MAX = 8192, /* of the texts of an attribute */
  BYTES_MAX = 16384     /* of all texts: a question has about half of them */
};

typedef struct values {
  bt_value items[TEXTS_MAX];
  uint32_t count;
} values;

typedef struct key_values {
  values texts, numbers;
  size_t text_bytes;
} key_values;

struct bt_list_elements {
  key_values *keys[BT_PROJECTED_KEYS_MAX]; /* NULL: no value yet */
  uint64_t untold;                         /* bits */
  size_t text_bytes;
  bt_table table; /* of places: attribute * TEXTS_MAX + place among its texts */
};

bt_list_elements *bt_list_elements_new(void) {
  return calloc(1, sizeof(bt_list_elements));
}

void bt_list_elements_free(bt_list_elements *elements) {
  if (!elements) return;
  for (uint32_t i = 0; i < BT_PROJECTED_KEYS_MAX; i++) free(elements->keys[i]);
  bt_table_dispose(&elements->table);
  free(elements);
}

/* ---- values ---- */

static uint64_t hash_of(uint32_t attribute, bt_str text) {
  return bt_hash_pair(attribute, bt_hash_text(text));
}

static bool has_text(const bt_list_elements *e, uint32_t attribute, bt_str text) {
  bt_table_walk walk = bt_table_find(&e->table, hash_of(attribute, text));
  while (bt_table_next(&e->table, &walk)) {
    const key_values *of = e->keys[walk.number / TEXTS_MAX];
    if (walk.number / TEXTS_MAX == attribute && bt_str_equal(of->texts.items[walk.number % TEXTS_MAX].string, text))
      return true;
  }
  return false;
}

static bool has_number(const values *numbers, int64_t number) {
  for (uint32_t i = 0; i < numbers->count; i++)
    if (numbers->items[i].integer == number) return true;
  return false;
}

/* False: too many, or no memory. */
static bool add_text(bt_list_elements *e, uint32_t attribute, const bt_value *value) {
  key_values *of = e->keys[attribute];
  if (has_text(e, attribute, value->string)) return true;
  size_t bytes = value->string.len;
  if (of->texts.count == TEXTS_MAX || of->text_bytes + bytes > KEY_BYTES_MAX || e->text_bytes + bytes > BYTES_MAX)
    return false;
  if (!bt_table_reserve(&e->table, e->table.count + 1)) return false;
  bt_table_add(&e->table, hash_of(attribute, value->string), (size_t)attribute * TEXTS_MAX + of->texts.count);
  of->texts.items[of->texts.count++] = *value;
  of->text_bytes += bytes;
  e->text_bytes += bytes;
  return true;
}

static bool add_number(key_values *of, const bt_value *value) {
  if (has_number(&of->numbers, value->integer)) return true;
  if (of->numbers.count == NUMBERS_MAX) return false;
  of->numbers.items[of->numbers.count++] = *value;
  return true;
}

/* TraceQL's lexer reads a sign by itself, and has no room for the number behind that of the least one. */
static bool can_leave_out(const bt_value *value) {
  if (value->type == BT_VALUE_STRING) return bt_traceql_can_leave_out(value->string);
  return value->type == BT_VALUE_INT && value->integer != INT64_MIN;
}

static void give_up(bt_list_elements *e, uint32_t attribute) {
  e->untold |= (uint64_t)1 << attribute;
  if (e->keys[attribute]) e->text_bytes -= e->keys[attribute]->text_bytes;
}

bool bt_list_elements_add(bt_list_elements *elements, uint32_t attribute, const bt_value *value) {
  uint64_t bit = (uint64_t)1 << attribute;
  bool is_text = value->type == BT_VALUE_STRING;
  if (!can_leave_out(value)) return false;
  if (elements->untold & bit) return true;
  key_values **of = &elements->keys[attribute];
  if (!*of) *of = calloc(1, sizeof **of);
  bool is_added = *of && (is_text ? add_text(elements, attribute, value) : add_number(*of, value));
  if (!is_added) give_up(elements, attribute);
  return true;
}

uint64_t bt_list_elements_told(const bt_list_elements *elements) {
  return ~elements->untold;
}

/* ---- questions ---- */

static uint32_t count_subsets(uint32_t of, uint32_t size) {
  uint32_t count = 1;
  for (uint32_t i = 1; i <= size; i++) count = count * (of - size + i) / i;
  return count;
}

/* The fewest questions that give each of so many values a set of half of them. */
static uint32_t questions_for(uint32_t texts) {
  uint32_t questions = 0;
  if (!texts) return 0;
  do questions++;
  while (count_subsets(questions, (questions + 1) / 2) < texts);
  return questions;
}

/* The next larger number with as many bits. */
static uint32_t next_subset(uint32_t bits) {
  uint32_t lowest = bits & -bits, carried = bits + lowest;
  return carried | (((bits ^ carried) >> 2) / lowest);
}

static uint32_t questions_of(const bt_list_elements *e, uint32_t attribute) {
  const key_values *of = e->keys[attribute];
  if (!of || (e->untold >> attribute & 1)) return 0;
  return questions_for(of->texts.count) + of->numbers.count;
}

uint32_t bt_list_elements_questions(const bt_list_elements *elements) {
  uint32_t most = 0;
  for (uint32_t i = 0; i < BT_PROJECTED_KEYS_MAX; i++) {
    uint32_t questions = questions_of(elements, i);
    if (questions > most) most = questions;
  }
  return most;
}

/* Those of the texts whose set has the question; the empty one may be among them. Returns the length. */
static size_t write_texts(const values *texts, uint32_t question, bt_buffer *text) {
  uint32_t questions = questions_for(texts->count);
  uint32_t set = ((uint32_t)1 << (questions + 1) / 2) - 1;
  size_t start = text->len;
  bool is_first = true;
  for (uint32_t i = 0; i < texts->count; i++, set = next_subset(set)) {
    if (!(set >> question & 1)) continue;
    if (!is_first) bt_buffer_append_char(text, '|');
    bt_traceql_quote_pattern(texts->items[i].string, text);
    is_first = false;
  }
  return text->len - start;
}

uint32_t bt_list_elements_left_out(const bt_list_elements *elements, uint32_t question, bt_buffer *text,
                                   bt_left_out *out) {
  uint32_t count = 0;
  size_t starts[BT_PROJECTED_KEYS_MAX];
  bt_buffer_clear(text);
  for (uint32_t i = 0; i < BT_PROJECTED_KEYS_MAX; i++) {
    if (question >= questions_of(elements, i)) continue;
    const key_values *of = elements->keys[i];
    uint32_t first_number = questions_for(of->texts.count);
    bt_left_out *one = &out[count];
    *one = (bt_left_out){.attribute = i, .is_number = question >= first_number};
    starts[count++] = text->len;
    if (one->is_number)
      one->number = of->numbers.items[question - first_number].integer;
    else
      one->pattern.len = write_texts(&of->texts, question, text);
  }
  /* The text stays where it is from here on. */
  for (uint32_t i = 0; i < count && !text->failed; i++)
    if (out[i].pattern.len) out[i].pattern.ptr = text->ptr + starts[i];
  return count;
}
