/* Cases of the suite of stores (test_source_conformance.c), each a test of cmocka. Those of the first group ask the
 * scene's store, the others fill one of their own. */
#ifndef BT_TESTS_TEMPO_CONFORMANCE_CASES_H
#define BT_TESTS_TEMPO_CONFORMANCE_CASES_H

/* conformance_searches.c */
void test_promises_agree(void **state);
void test_adjacent_windows_find_everything(void **state);
void test_limits_of_filters(void **state);
void test_filters_that_name_one(void **state);
void test_finds_spans(void **state);
void test_finds_spans_in_parts(void **state);
void test_reads_some_spans(void **state);
void test_searches_ahead(void **state);
void test_reads_ahead(void **state);
void test_cancel_of_links_and_spans(void **state);
void test_cancel_during(void **state);
void test_failures_are_said(void **state);

/* conformance_shapes.c: traces in pieces, copies, ids, links */
void test_shapes(void **state);
void test_ids_with_zeros(void **state);
void test_batches_show_how_kept(void **state);
void test_links(void **state);

/* conformance_values.c */
void test_values(void **state);
/* conformance_tags.c */
void test_tags_are_what_is_read(void **state);
/* conformance_rules.c */
void test_filters_of_rules(void **state);

#endif
