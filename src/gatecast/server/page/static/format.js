/** Numbers, shares and times as people read them; the digits are those of gatecast's reports. */

const NOTHING = "–";

/** Four digits: `0.8123`, `12.35`, `12,346`. */
export function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return NOTHING;
  }
  const size = value ? Math.floor(Math.log10(Math.abs(value))) : 0;
  if (size < -4 || size > 8) {
    return value.toExponential(3);
  }
  const digits = Math.max(0, 3 - size);
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A share of 1: `81.3 %`. */
export function percent(share) {
  return share === null || share === undefined ? NOTHING : `${(100 * share).toFixed(1)} %`;
}

/** How many times the usual: `1.2 × usual`. */
export function times(factor) {
  return `${factor < 100 ? factor.toPrecision(2) : number(factor)} × usual`;
}

/** A whole number: `100,000`. */
export function count(value) {
  return value.toLocaleString("en");
}

/** `1 row`, `2 rows`. */
export function plural(value, word) {
  return `${count(value)} ${word}${value === 1 ? "" : "s"}`;
}

/** A time as it was given; the number of a row too. */
export function time(ds) {
  return ds === null || ds === undefined ? NOTHING : String(ds);
}

/** Where a time stands on the axis: milliseconds since 1970 in UTC, or the number of the row. */
export function place(ds) {
  if (typeof ds === "number") {
    return ds;
  }
  const local = /[T ]/.test(ds) && !/(Z|[+-]\d\d:?\d\d)$/.test(ds);
  return Date.parse(local ? `${ds}Z` : ds);
}
