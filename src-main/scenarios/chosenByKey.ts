import { z } from 'zod';

/** Zod's own words for a key that is not there are "expected string, received undefined". */
export const plainWords = {
  error: (issue: { readonly input?: unknown }): string | undefined =>
    issue.input === undefined ? 'is missing' : undefined,
};

type Choices = Readonly<Record<string, z.ZodType>>;

/** The key that a strict object does not know: the place to point at. */
export const strangeKey = (issue: z.core.$ZodIssue): string | undefined => {
  if (issue.code === 'unrecognized_keys') return issue.keys[0];
  return issue.code === 'custom' ? (issue.params?.['key'] as string | undefined) : undefined;
};

/** What `chosenByKey` gives: which key chose, and what its schema made of the value. */
export type Chosen<Map extends Choices> = {
  [Key in keyof Map & string]: { readonly kind: Key; readonly value: z.output<Map[Key]> };
}[keyof Map & string];

/**
 * An object that says what it is by which key it has. A plain union would answer a typing mistake with "invalid
 * input" for all of its members; this names the key and the place. `whole`: the chosen schema reads the whole object;
 * `member`: only what stands below the key.
 */
export const chosenByKey = <const Map extends Choices>(map: Map, reads: 'whole' | 'member') => {
  const keys = Object.keys(map);
  return z.unknown().transform((input, context): Chosen<Map> => {
    const value = typeof input === 'string' && reads === 'member' ? { [input]: {} } : input;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      context.addIssue({ code: 'custom', message: `expected one of ${keys.join(', ')}` });
      return z.NEVER;
    }
    const present = Object.keys(value).filter((key) => keys.includes(key));
    const unknown = Object.keys(value).filter((key) => !keys.includes(key));
    const [kind] = present;
    if (kind === undefined || present.length > 1 || (reads === 'member' && unknown.length > 0)) {
      const found = [...present, ...(reads === 'member' || kind === undefined ? unknown : [])];
      const has = found.length === 0 ? 'nothing' : found.join(', ');
      context.addIssue({
        code: 'custom',
        params: { key: reads === 'member' || kind === undefined ? unknown[0] : undefined },
        message: `expected exactly one of ${keys.join(', ')}; this has ${has}`,
      });
      return z.NEVER;
    }
    const part: unknown = reads === 'whole' ? value : (value as Record<string, unknown>)[kind];
    const parsed = (map[kind] as z.ZodType).safeParse(part, plainWords);
    if (parsed.success) return { kind, value: parsed.data } as Chosen<Map>;
    for (const issue of parsed.error.issues) {
      const path = reads === 'whole' ? issue.path : [kind, ...issue.path];
      const params = issue.code === 'custom' ? issue.params : { key: strangeKey(issue) };
      context.addIssue({ code: 'custom', message: issue.message, path: [...path], params });
    }
    return z.NEVER;
  });
};
