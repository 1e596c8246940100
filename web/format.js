const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en", {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });
const moment = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

export const NONE = "–";

export function count(number) {
  return number == null ? NONE : whole.format(number);
}

export function rate(perSecond) {
  return perSecond == null ? NONE : (perSecond < 100 ? tenth : whole).format(perSecond);
}

/* Cut, not rounded: 99.96 % must not read as 100. */
export function percent(share) {
  return share == null ? NONE : `${tenth.format(Math.floor(share * 1000 + 1e-6) / 10)} %`;
}

export function bytes(number) {
  if (number == null) {
    return NONE;
  }
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (number >= 1024 && at < units.length - 1) {
    number /= 1024;
    at++;
  }
  return `${(at === 0 ? whole : tenth).format(number)} ${units[at]}`;
}

export function date(epochSeconds) {
  return day.format(new Date(epochSeconds * 1000));
}

export function dateTime(epochSeconds) {
  return moment.format(new Date(epochSeconds * 1000));
}
