/*
 * Places at which a test may hold up or kill the program. They are there in builds made with
 * --enable-failpoints only; elsewhere they are nothing.
 */
#ifndef REFRAIN_BASE_FAILPOINT_H
#define REFRAIN_BASE_FAILPOINT_H

#ifdef REFRAIN_FAILPOINTS
/* Looks for the file NAME in the folder $REFRAIN_FAILPOINTS and does what it says (failpoint.c). */
void failpoint(const char *name);
#else
static inline void failpoint(const char *name)
{
    (void)name;
}
#endif

#endif
