/*
 * The counters of the last minutes, as samples {at, figures}. The server tells totals since its
 * start; a rate is the difference of two samples over the time between them, by the clock of the
 * page (seconds, monotonic), since the server's has whole seconds.
 */
export class Series {
  #samples = [];
  #span;

  constructor(spanSeconds) {
    this.#span = spanSeconds;
  }

  /* Counters that fall belong to another start: what came before says nothing about them. */
  add(at, figures) {
    const last = this.#samples.at(-1)?.figures;
    if (last && ["hits", "misses", "bypasses"].some((key) => figures[key] < last[key])) {
      this.#samples = [];
    }
    this.#samples.push({ at, figures });
    while (this.#samples[0].at < at - this.#span) {
      this.#samples.shift();
    }
  }

  /* The oldest sample within the window that ends at the sample `index`. */
  #before(index, windowSeconds) {
    const from = this.#samples[index].at - windowSeconds;
    let at = index;
    while (at > 0 && this.#samples[at - 1].at >= from) {
      at--;
    }
    return this.#samples[at];
  }

  /* Of the number that `pick` takes out of the figures; null while there is but one sample. */
  rate(pick, windowSeconds = 5.5, index = this.#samples.length - 1) {
    const last = this.#samples[index];
    const first = this.#before(index, windowSeconds);
    const seconds = last.at - first.at;
    return seconds > 0 ? (pick(last.figures) - pick(first.figures)) / seconds : null;
  }

  /* Null where nothing was read within the window. */
  hitRate(windowSeconds, index = this.#samples.length - 1) {
    const hits = this.rate((figures) => figures.hits, windowSeconds, index);
    const reads = this.rate(readsOf, windowSeconds, index);
    return reads > 0 ? hits / reads : null;
  }

  /* [{age, value}], oldest first; `value` is asked with the index of each sample. */
  points(value) {
    const now = this.#samples.at(-1).at;
    return this.#samples.map(({ at }, index) => ({ age: now - at, value: value(index) }));
  }
}

export function readsOf(counters) {
  return counters.hits + counters.misses + counters.bypasses;
}
