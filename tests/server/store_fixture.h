/* What the tests of the store share: a folder that goes away, definitions from a text, files of the database. */
#ifndef BT_TESTS_STORE_FIXTURE_H
#define BT_TESTS_STORE_FIXTURE_H

#include "server/store/rule_store.h"

typedef struct store_folder {
  char path[256];     /* the folder */
  char database[300]; /* path of the database in it */
} store_folder;

void store_folder_make(store_folder *folder);   /* fails the program when it cannot */
void store_folder_remove(store_folder *folder); /* with every file in it */

/* A definition with this id; `dsl` NULL: a short rule that is always right. Fails the program when it is not valid. */
bt_rule_definition *make_definition(const char *id, const char *dsl);
/* An open store; prints the error and fails the program when it cannot be opened. */
bt_rule_store *open_store(const char *path);
/* Runs SQL on a database that no store has open; fails the program with SQLite's message. */
void run_sql(const char *path, const char *sql);
/* Seals rows that run_sql added, as another version of betrace would have done. */
void seal_rows(const char *path);
/* Whether the SQL fails, and its message holds `expected`. */
bool sql_is_refused(const char *path, const char *sql, const char *expected);

#endif
