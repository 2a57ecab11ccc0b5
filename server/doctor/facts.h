/* What `betrace doctor` expects of a store, as data: predicates of rules by topic, the ways to make a rule of each, and
 * what to look at. Each topic says what it means if the fact does not hold. There is no query here: the planner writes
 * the queries for these rules. Thread: constant. */
#ifndef BT_SERVER_DOCTOR_FACTS_H
#define BT_SERVER_DOCTOR_FACTS_H

#include <stdbool.h>

/* A test on one span, as BeTraceDSL. "%F" stands for the attribute of the topic. */
typedef struct bt_doctor_test {
  const char *predicate;
  bool is_named_too; /* asked beside a span's name as well */
} bt_doctor_test;

typedef struct bt_doctor_topic {
  const char *id, *title;      /* of a topic for each key: NULL, the key is the title */
  const bt_doctor_test *tests; /* end with a NULL predicate */
  const char *const *rules;    /* whole rules besides; end with NULL; or NULL */
  bool has_keys;               /* a topic for each key */
  bool has_special;            /* traces that are special as a whole (split, many spans) are told apart */
} bt_doctor_topic;
extern const bt_doctor_topic bt_doctor_topics[]; /* end with NULL tests */

/* "%T" stands for the test. The first two for every test, the others for those that are named too. */
enum { BT_DOCTOR_FORMS = 4, BT_DOCTOR_PLAIN_FORMS = 2 };
extern const char *const bt_doctor_forms[BT_DOCTOR_FORMS];

/* What is looked at. */
typedef enum bt_doctor_aspect {
  BT_ASPECT_FOUND_BY_ID,
  BT_ASPECT_FOUND_BY_SEARCH,
  BT_ASPECT_SAME_BY_ID,
  BT_ASPECT_ABSENT_BY_ID,
  BT_ASPECT_FULL,
  BT_ASPECT_WINDOW,
  BT_ASPECT_SEARCHED,
  BT_ASPECT_SUBTRACTED,
  BT_ASPECT_COUNTED,
  BT_ASPECT_READ,
  BT_ASPECT_SOME_SPANS,
  BT_ASPECTS
} bt_doctor_aspect;

typedef struct bt_doctor_aspect_row {
  const char *id, *title; /* behind the topic's, or alone */
  const char *means;      /* where it does not hold */
} bt_doctor_aspect_row;
extern const bt_doctor_aspect_row bt_doctor_aspects[BT_ASPECTS];

/* Whatever is looked at. */
extern const char bt_doctor_means_empty[], bt_doctor_means_refused[], bt_doctor_means_unknown[];

#endif
