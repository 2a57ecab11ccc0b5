/* The words of the language, from the tables that the lexer and the parser read; functions.h has its functions, and
 * checker_vocabulary.h has those that the checker knows. Editors use them, and so do tests that compare the
 * documentation with the language. Each function gives word number i of its table, NULL past the end. Thread: no state.
 */
#ifndef BT_DSL_SYNTAX_VOCABULARY_H
#define BT_DSL_SYNTAX_VOCABULARY_H

#include <stddef.h>

const char *bt_vocabulary_clause(size_t i); /* when, always, never */
/* Binary operators as they are written, from weak to strong: "or", "||", "and", …, "==", "contains", "not in", "+",
 * "*". */
const char *bt_vocabulary_operator(size_t i);
const char *bt_vocabulary_unit(size_t i);     /* of durations, largest first */
const char *bt_vocabulary_reserved(size_t i); /* words that cannot name a binding */

#endif
