/*
 * The two clocks. Deadlines are absolute and monotonic; the wall clock is for data only. Tests move
 * the wall clock with REFRAIN_CLOCK_OFFSET_S in the environment, or with clock_move().
 */
#ifndef REFRAIN_BASE_CLOCK_H
#define REFRAIN_BASE_CLOCK_H

#include <stdint.h>

/* Microseconds on a clock that never goes back; comparable within one process only. */
int64_t clock_mono_us(void);

/* The same, but it goes on while the host is suspended: for what others bring to an end meanwhile. */
int64_t clock_boot_us(void);

/* Microseconds and seconds since the epoch, UTC. */
int64_t clock_wall_us(void);
int64_t clock_wall_s(void);

/* The wall clock as the host has it, unmoved by tests: to be held against clocks of other hosts. */
int64_t clock_host_us(void);

/* Moves the wall clock of this process, for tests. */
void clock_move(int64_t offset_us);

/* Milliseconds until `deadline_us` as poll(2) wants them: rounded up, never negative. */
int clock_left_ms(int64_t deadline_us);

#endif
