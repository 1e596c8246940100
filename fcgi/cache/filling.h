/*
 * A leader's work in hand, and what it does about other processes that fill the same. Private to
 * cache/.
 */
#ifndef REFRAIN_CACHE_FILLING_H
#define REFRAIN_CACHE_FILLING_H

#include "cache/reader.h"

/* The leader's work in hand. */
struct cache_filling {
    struct cache_reader *reader;
    const struct cache_fetching *fetching;
    size_t at[CACHE_ITEMS_MAX]; /* where the wanted ones stand among the items */
    char lock_key[CACHE_KEY_MAX];
    char lock_nonce[CACHE_NONCE_SIZE];
    enum cache_lock lock;
    struct cache_filled *filled;
};

/* Waits while another process holds the fill lock; true if it has stored what is wanted. */
bool cache_wait_for_other(struct cache_filling *filling);

/* Who had the lock before may have stored it since this reader looked: then nothing is to be done but
 * to give the lock up. */
bool cache_is_filled_already(struct cache_filling *filling);

#endif
