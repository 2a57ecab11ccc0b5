/* A store under test, as the suite of stores sees each: one row says how it is opened, how spans get into it, and the
 * little about it that no promise says. What is pushed lies in a toy store as well, which is the truth that answers are
 * held against. Thread: the test's. */
#ifndef BT_TESTS_TEMPO_CONFORMANCE_STORE_H
#define BT_TESTS_TEMPO_CONFORMANCE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dsl/base/error.h"
#include "dsl/trace/trace.h"
#include "tempo/wire/http_client.h"
#include "tempo/wire/otlp_export.h"
#include "tempo/wire/source.h"

enum { STORE_DOCUMENTS = 32, STORE_PLACE_BYTES = 64 };
extern const int64_t second_ns;

/* OTLP, as it is pushed. */
typedef struct store_document {
  const char *tenant;
  bt_buffer bytes;
  bool is_json;
  uint64_t span_count;
} store_document;

typedef struct store store;

/* What a store does not keep of values. What is another value then says so itself (untyped_text.h), and nothing tells
 * the rest. All false: values come as they were pushed. */
typedef struct store_lost {
  bool types, types_of_resources; /* of spans, of resources: all are texts */
  bool lists;                     /* of spans: they are texts, and an empty text is one */
  bool large_numbers;             /* from 2^53 on they are rounded */
  bool number_types;              /* integers and decimals are one type. Nothing tells. */
  bool bytes;                     /* they are the text of their base64. Nothing tells. */
  bool types_of_services;         /* a service of another type is a text. Nothing tells. */
  bool unbounded;                 /* of spans: a NaN or an infinity is not there. Nothing tells. */
  bool pushes_of_unbounded;       /* all that comes with one is not there. Nothing tells. */
  bool odd_texts;                 /* an empty text, also in a list, may have been no value, and "NaN" a number */
  bool pushes_of_bytes;           /* all that comes with bytes is not there. Nothing tells. */
} store_lost;

/* A schema of ClickHouse. */
typedef struct store_schema {
  const char *name, *table;
} store_schema;

typedef struct store_row {
  const char *name;
  const char *kind;    /* as it calls itself; NULL: as the row */
  store_schema schema; /* of the row */
  /* Empty; with `opens_last` over its documents. */
  bt_status (*open)(store *s, bt_error *error);
  void (*push)(store *s, const store_document *document); /* NULL: with `opens_last` */
  /* What is pushed from now on lies apart from what was pushed before. NULL: every push lies apart. */
  void (*end_fragment)(store *s);
  /* Over its documents, so that some of them cannot be given. Either it says so at once, or whoever asks is told. */
  bt_status (*open_broken)(store *s, bt_error *error);
  void (*close)(store *s); /* what `open_broken` has begun; or NULL */
  bool opens_last;         /* it is read when it is opened, and nothing comes later */
  bool has_tenants;
  bool refuses_tenants; /* a question for one is not answered. Of others without tenants each gets everything */
  bool keeps_own;       /* a read with_own gives BeTrace's own traces */
  bool lists_own;       /* and where it does not filter, searches give them */
  bool hides_own_tags;  /* their names are not among the tags */
  bool keeps_records;   /* of one span that came twice, with other values, a read gives both */
  int64_t grain_ns;     /* search may find what lies that far beyond the range */
  bool widens_strict;   /* searches take < and > of a number for <= and >=, where they filter */
  store_lost loses;     /* of values */
  const char *needs;    /* a variable of the environment, without which it is not tested; or NULL */
} store_row;

struct store {
  const store_row *row;
  bt_source *source, *truth;
  bt_http_client *client;
  store_document documents[STORE_DOCUMENTS];
  size_t document_count;
  void *broken;                  /* of the row */
  char place[STORE_PLACE_BYTES]; /* of the row */
};

/* All rows, until one without a name. */
extern const store_row store_rows[];
const store_row *store_row_of(const char *name); /* NULL: there is none */

/* Who asks: the tenant, or where the store refuses all of them nobody, who then pushes, too. */
const char *store_tenant(const store_row *row, const char *tenant);
/* The integer that the value is, or may be where the store does not keep types. */
int64_t store_integer(const store_row *row, const bt_value *value);
/* Ends the test, which says why. */
void store_does_not_apply(const store_row *row, const char *why);

/* Sets it up, and opens it unless it opens last. */
void store_begin(store *s, const store_row *row);
void store_push(store *s, const char *tenant, const bt_export_resource *resources, size_t count);
void store_push_json(store *s, const char *tenant, const char *json, uint64_t span_count);
/* Opens what opens last, and waits until each trace of the tenant is found and read with all of its spans. */
void store_show(store *s, const char *tenant);
/* The same documents in a store that cannot give all of them. The status of opening it. */
bt_status store_break(const store *whole, store *broken, bt_error *error);
void store_end(store *s);

/* The ids of all traces of the tenant, as the truth has them. */
void store_ids(store *s, const char *tenant, bt_found_list *found);
bt_time_range store_all_time(void); /* now and some hours before */
int64_t store_now_ns(void);

#endif
