import { randomBytes } from 'node:crypto';

/** Four hexadecimal digits that keep apart two runs that start in the same second. */
export const randomSuffix = (): string => randomBytes(2).toString('hex');

/** `2026-11-21T02-31-07Z-5f0a`: sorts by time, and is a file name on every system. `now` in ms since the epoch. */
export const runIdOf = (now: number, suffix: string): string =>
  `${new Date(now).toISOString().slice(0, 19).replaceAll(':', '-')}Z-${suffix}`;

const runIdPattern = /^\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}Z-[0-9a-f]{4}$/;

/** Only such a text is ever made a part of a path. */
export const isRunId = (text: string): boolean => runIdPattern.test(text);

export const journalSuffix = '.jsonl';
