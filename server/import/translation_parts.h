/* What the files of the translation share. For them alone. Thread: no state. */
#ifndef BT_SERVER_IMPORT_TRANSLATION_PARTS_H
#define BT_SERVER_IMPORT_TRANSLATION_PARTS_H

#include <stdbool.h>

#include "dsl/base/text.h"
#include "dsl/trace/value.h"
#include "server/import/old_rule.h"
#include "server/import/translation.h"

/* A test on one span; `is_where`: inside .where( ), where a name is an attribute. */
void bt_translation_write_test(bt_translation *translation, const bt_old_node *test, bool is_where, bt_buffer *out);
/* `spans.where(field op value)`, as it stands inside the parentheses. */
void bt_translation_write_comparison(bt_translation *translation, const bt_old_node *comparison, bt_buffer *out);
void bt_translation_write_count(bt_translation *translation, const bt_old_node *count, bt_buffer *out);
/* translation_field.c */
void bt_translation_write_field(bt_translation *translation, const bt_old_node *field, bt_buffer *out);
/* `(test or not exists(field))`: a missing attribute meets it, as it did in the original. */
void bt_translation_write_or_missing(bt_translation *translation, const bt_old_node *field, const bt_buffer *test,
                                     bt_buffer *out);
/* A note where the author's example has a value of another type in this field. */
void bt_translation_check_type(bt_translation *translation, const bt_old_node *field, bt_value_type wanted);
bool bt_translation_is_duration(const bt_old_node *field);
/* span.attributes["key"] */
void bt_append_span_key(bt_str key, bt_buffer *out);

/* The first problem stays. */
void bt_translation_fail(bt_translation *translation, const bt_old_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A name as the language has it without quotes: segments of letters, of which the first is no word of the language. */
bool bt_is_plain_path(bt_str path);
/* Appends it, in quotes where it needs them. */
void bt_append_path(bt_str path, bt_buffer *out);
void bt_append_string(bt_str text, bt_buffer *out);

#endif
