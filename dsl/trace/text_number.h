/* Which number or boolean a text reads as (dsl.md §5, "Texts that are numbers"): attributes that a library wrote as
 * text, and literals that someone quoted. Depends on no locale. Thread: no state. */
#ifndef BT_DSL_TRACE_TEXT_NUMBER_H
#define BT_DSL_TRACE_TEXT_NUMBER_H

#include <stdbool.h>

#include "dsl/base/text.h"
#include "dsl/trace/value.h"

/* The number that `text` reads as, an INT or a finite DOUBLE. False, and *out stays as it is: it reads as none. The
 * form is -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? and no blank, sign or digit more. A whole number that fits 64
 * bits is an INT, exactly; another one is the nearest double (0 where it is nearer to 0 than to any other); what is
 * beyond all doubles reads as none. However long the text is, walking over it takes little more than comparing it
 * would. */
bool bt_text_number(bt_str text, bt_value *out);
/* True and false, in ASCII letters of any case. False, and *out stays as it is: it reads as neither. */
bool bt_text_boolean(bt_str text, bool *out);
/* INT, DOUBLE or BOOL, else the text itself as a STRING, which borrows it. */
bt_value bt_text_value(bt_str text);
/* What a value is where it meets a number or a boolean, and where it is reckoned with: a STRING that is no name is what
 * it reads as, everything else (an array, too) is itself. */
static inline bt_value bt_value_read(const bt_value *value) {
  return value->type == BT_VALUE_STRING && !value->is_name ? bt_text_value(value->string) : *value;
}

#endif
