/*
 * The metrics in Prometheus' text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */
#ifndef REFRAIN_SERVICE_EXPOSITION_H
#define REFRAIN_SERVICE_EXPOSITION_H

#include "cache/cache.h"

/* Appends every metric with every combination of labels. Only what Redis alone can tell of itself
 * is left out while it does not answer: a total that falls to 0 would be taken for a restart. */
void exposition_write(struct buffer *body, const struct cache_totals *totals,
                      const struct cache_memory *memory);

#endif
