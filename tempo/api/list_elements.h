/* Whether what a batch gave of an attribute is all that the span has of it. In blocks that hold lists in columns
 * (vParquet5) an array is given as its last element (column_lists.h). A filter, however, looks at every element, and
 * gives the last of those that meet it: `span.k !~ "a"` finds ["b", "a"] and gives "b" (tests/facts/facts_columns.py).
 *
 * So values are left out, and who then gives another value than before has an array. To leave out one value in each
 * question takes as many questions as there are values. Instead a question leaves out many: each value gets its own set
 * of questions that leave it out, all sets have the same size, and so none lies in another (E. Sperner, "Ein Satz über
 * Untermengen einer endlichen Menge", 1928). For any two values there is a question then that leaves out the one and
 * asks for the other; and what is not among the values is asked for by every question. Ten questions tell 252 texts
 * apart. Of whole numbers Tempo leaves out one in a question. Internal to tempo/. Thread: one. */
#ifndef BT_TEMPO_API_LIST_ELEMENTS_H
#define BT_TEMPO_API_LIST_ELEMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/text.h"
#include "dsl/plan/plan.h"
#include "dsl/trace/value.h"
#include "tempo/api/traceql.h"

typedef struct bt_list_elements bt_list_elements;

bt_list_elements *bt_list_elements_new(void); /* new; NULL: no memory */
void bt_list_elements_free(bt_list_elements *elements);

/* Of an attribute of the projection, by its place there. A string is borrowed. False: a question cannot leave it out,
 * so of its span nobody can tell. */
bool bt_list_elements_add(bt_list_elements *elements, uint32_t attribute, const bt_value *value);
/* The attributes of which questions leave out every value that was added, one bit each. Of the others there were too
 * many values, or too little memory. */
uint64_t bt_list_elements_told(const bt_list_elements *elements);
/* How many questions that takes. */
uint32_t bt_list_elements_questions(const bt_list_elements *elements);

/* What one question leaves out: at most BT_PROJECTED_KEYS_MAX; patterns lie in `text`. Returns their number. */
uint32_t bt_list_elements_left_out(const bt_list_elements *elements, uint32_t question, bt_buffer *text,
                                   bt_left_out *out);

#endif
