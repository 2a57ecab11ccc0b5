/* Threads that serve everybody wait for nobody: h2o's loops, the timer, curl's, gRPC's. Where a thread waits for a
 * source, for the store or for a helper it says so here, and in builds with assertions such a thread ends the program
 * there. So each test of the service shows that none of them waits. Thread: any, about itself. */
#ifndef BT_TEMPO_WIRE_WAIT_GUARD_H
#define BT_TEMPO_WIRE_WAIT_GUARD_H

/* From now on this thread may not wait. */
void bt_thread_forbid_waits(void);
void bt_thread_assert_may_wait(void);

#endif
