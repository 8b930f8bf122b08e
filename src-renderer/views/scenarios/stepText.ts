/** A step as it is written, taken apart for the screen: `ack: { reason: lab demo }`. The player has its own reading. */
export interface StepText {
  readonly verb: string;
  /** What stands behind a verb without braces, such as `1s` of `wait: 1s`. */
  readonly value: string;
  readonly words: Readonly<Record<string, string>>;
}

const unquoted = (text: string): string => text.trim().replace(/^(['"])(.*)\1$/, '$2');

export const readStep = (text: string): StepText => {
  const [, verb = text.trim(), rest = ''] = /^([A-Za-z]+)(?::\s*(.*))?$/s.exec(text.trim()) ?? [];
  const braces = /^\{\s*(.*?)\s*\}$/s.exec(rest.trim());
  if (braces === null) return { verb, value: unquoted(rest), words: {} };
  // A reason may hold commas; a comma before `word:` ends a member.
  const members = (braces[1] ?? '').split(/,\s*(?=[A-Za-z]+:\s)/);
  const words = members.flatMap((member): [string, string][] => {
    const [, key, value] = /^([A-Za-z]+):\s*(.*)$/s.exec(member.trim()) ?? [];
    return key === undefined || value === undefined ? [] : [[key, unquoted(value)]];
  });
  return { verb, value: '', words: Object.fromEntries(words) };
};
