import fc from 'fast-check';
import { commands } from '../../preload/contract/commands.ts';
import type { CommandName } from '../../preload/contract/names.ts';
import type { ConsoleSnapshot } from '../../preload/contract/views.ts';
import { essence } from './foldDeltas.ts';

/** Anything at all. */
const junk = fc.oneof(
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withSparseArray: true,
  }),
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.double(),
);

/** What is almost right: a member too few, too many, or of another kind, at any depth. */
const damaged = (valid: object): fc.Arbitrary<unknown> => {
  const keys = Object.keys(valid);
  const members = valid as Readonly<Record<string, unknown>>;
  const extra = fc
    .tuple(fc.string({ minLength: 1 }), junk)
    .map(([key, value]) => ({ ...valid, [key]: value }));
  if (keys.length === 0) return extra;
  const key = fc.constantFrom(...keys);
  const replaced = fc.tuple(key, junk).map(([at, value]) => ({ ...valid, [at]: value }));
  const missing = key.map((at) => Object.fromEntries(Object.entries(valid).filter(([name]) => name !== at)));
  const deep = key.chain((at) => {
    const member = members[at];
    return typeof member === 'object' && member !== null && Object.keys(member).length > 0
      ? damaged(member).map((value) => ({ ...valid, [at]: value }))
      : replaced;
  });
  return fc.oneof(replaced, missing, extra, deep);
};

/** What this command cannot be asked with: anything at all, and most often what is almost right. */
export const malformed = (name: CommandName, valid: object): fc.Arbitrary<unknown> =>
  fc
    .oneof(
      { weight: 1, arbitrary: junk },
      { weight: 2, arbitrary: damaged(valid) },
      {
        weight: 1,
        arbitrary: fc.constantFrom<unknown>([valid], JSON.stringify(valid), null, undefined, NaN),
      },
    )
    .filter((candidate) => !commands[name].input.safeParse(candidate).success);

const jsonOf = (value: unknown): string | null => {
  try {
    return JSON.stringify(value) ?? null;
  } catch {
    return null;
  }
};

/** Electron's context bridge leaves a member of this name out on its way, and then what is left has to be malformed too. */
const withoutProto = (key: string, value: unknown): unknown => (key === '__proto__' ? undefined : value);

/** As many of them as JSON, and malformed still after the way through any transport. */
export const malformedTexts = (name: CommandName, valid: object, count: number): readonly string[] => {
  const { input } = commands[name];
  const malformedStill = (text: string): boolean =>
    !input.safeParse(JSON.parse(text)).success && !input.safeParse(JSON.parse(text, withoutProto)).success;
  const text = malformed(name, valid)
    .map(jsonOf)
    .filter((candidate) => candidate !== null && malformedStill(candidate));
  return fc.sample(text, count) as string[];
};

/** Everything a viewer can see, without the clock and the refusals that were recorded. */
export const withoutRefusals = (snapshot: ConsoleSnapshot): unknown => {
  const seen = essence(snapshot, 10_000);
  return {
    ...seen,
    rigs: seen.rigs.map((rig) => ({ ...rig, lines: rig.lines.filter(({ type }) => type !== 'refusal') })),
  };
};
