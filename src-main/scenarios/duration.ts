import type { Microseconds } from '../core/recovery/phase.ts';

const units: Readonly<Record<string, number>> = { us: 1, ms: 1_000, s: 1_000_000, m: 60_000_000 };

/** `200ms`, `5s`, `1.5s`, `10m` in microseconds; null for anything else. */
export const parseDuration = (text: string): Microseconds | null => {
  const match = /^(\d+(?:\.\d+)?)(us|ms|s|m)$/.exec(text.trim());
  const unit = units[match?.[2] ?? ''];
  return match === null || unit === undefined ? null : Math.round(Number(match[1]) * unit);
};
