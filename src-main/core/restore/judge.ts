import { finding, type AuditFact, type Finding, type Provenance } from './provenance.ts';
import type { Sequence, Writer } from './writers.ts';

/** A source that may have given the value that is being looked at. */
interface Candidate {
  readonly source: Provenance;
  /** Null: the value is older than the first event. */
  readonly writer: Writer | null;
  /** What it had, in the bits in question, as far as `known` bits say. */
  value: number;
  known: number;
  fit: 'had' | 'wrote' | 'unseen';
}

const older = (value: number, known: number): Candidate => ({
  source: 'unknown',
  writer: null,
  value,
  known,
  fit: 'had',
});

const conflicts = ({ value, known }: Candidate, other: number, among: number): boolean =>
  ((value ^ other) & known & among) !== 0;

/**
 * Taken into the list of candidates. What a reset certainly overwrote cannot be the source any more, and of one source
 * the last writer counts: a second save makes the first one void.
 */
const join = (candidates: readonly Candidate[], writer: Writer, mask: number): readonly Candidate[] => {
  const known = (writer.known & mask) >>> 0;
  const value = (writer.value & known) >>> 0;
  const joined: Candidate = { source: writer.source, writer, value, known, fit: 'had' };
  const overwrites = writer.source === 'hardwareReset' && writer.strength === 'inferred';
  const again = writer.strength !== 'possible' && (writer.covers & mask) >>> 0 === mask;
  const kept = candidates.filter((one) => {
    if (again && one.source === writer.source) return false;
    return !overwrites || !conflicts(one, value, known);
  });
  return [...kept, joined];
};

/** What one reading leaves of the candidates, and what it rules out. */
const settle = (
  candidates: readonly Candidate[],
  value: number,
  mask: number,
  out: Candidate[],
): { readonly left: readonly Candidate[]; readonly explained: boolean } => {
  const left = [...candidates];
  for (let last = left.at(-1); last !== undefined && conflicts(last, value, mask); last = left.at(-1)) {
    out.push(last);
    left.pop();
  }
  const last = left.at(-1);
  if (last !== undefined && last.known !== mask && last.writer?.strength !== 'possible') {
    // Nobody came after it, so what is read is what it wrote, or left.
    last.value = value;
    last.known = mask;
    last.fit = 'wrote';
  }
  const fitting = left.filter((one) => {
    if (!conflicts(one, value, mask)) return true;
    out.push(one);
    return false;
  });
  for (const one of fitting) {
    // Whether it wrote at all may not be known, and then its value is none that anybody had.
    if (one.known === mask && one.writer?.strength !== 'possible') continue;
    one.value = value;
    one.known = mask;
    one.fit = 'unseen';
  }
  // The bench's own write that stood is witnessed: nothing before it is in play any more.
  const own = fitting.findLastIndex(({ writer }) => writer?.strength === 'certain');
  const rest = own === -1 ? fitting : fitting.slice(own);
  return rest.length === 0
    ? { left: [older(value, mask)], explained: false }
    : { left: rest, explained: true };
};

const factOf = (candidate: Candidate, fit: 'had' | 'wrote' | 'unseen' | 'other'): AuditFact => ({
  kind: 'source',
  source: candidate.source,
  event: candidate.writer?.event ?? null,
  step: candidate.writer?.step ?? null,
  fit,
  value: fit === 'unseen' ? null : candidate.value >>> 0,
});

const distinct = (candidates: readonly Candidate[]): readonly Provenance[] => [
  ...new Set(candidates.map(({ source }) => source)),
];

const conclude = (left: readonly Candidate[], out: readonly Candidate[], explained: boolean): Finding => {
  const evidence = [...left.map((one) => factOf(one, one.fit)), ...out.map((one) => factOf(one, 'other'))];
  if (!explained) {
    return finding('open', ['unknown'], [{ kind: 'unexplained', value: left[0]?.value ?? 0 }, ...evidence]);
  }
  const had = distinct(left.filter(({ fit }) => fit !== 'unseen'));
  const unseen = left.filter(({ fit }) => fit === 'unseen');
  const last = left.at(-1);
  // A reset that was the last may have kept what was there before it: sticky bits.
  const undecided = last?.fit === 'unseen' || (last?.fit === 'wrote' && last.source === 'hardwareReset');
  const open = distinct(unseen).filter((source) => !had.includes(source));
  // Of those whose values nobody saw one is left, and no other source explains the value.
  if (had.length === 0) return finding(open.length === 1 ? 'inferred' : 'open', open, evidence);
  // What may have come last, or been kept, and had a value that nobody saw, cannot be excluded.
  if (undecided && open.length > 0) return finding('open', [...had, ...open], evidence);
  if (had.length > 1) return finding('ambiguous', had, evidence);
  return finding(open.length === 0 ? 'proved' : 'inferred', had, evidence);
};

/**
 * Where the bits `mask` of a register have their last value from. Sources are told apart by their values: one that had
 * another value than the one read is out. Null when the bits were never read.
 */
export const judge = (sequence: Sequence, mask: number): Finding | null => {
  let candidates: readonly Candidate[] = [];
  let out: Candidate[] = [];
  /** Of the last reading that counted: what is written after it had no part in what was read. */
  let settled: Parameters<typeof conclude> | null = null;
  let fresh = false;
  let lastValue = 0;
  for (const item of sequence) {
    if (item.kind === 'writer') {
      if ((item.covers & mask) === 0) continue;
      if (!fresh) out = [];
      fresh = true;
      candidates = join(candidates, item, mask);
      continue;
    }
    const value = (item.value & mask) >>> 0;
    if (settled !== null && !fresh && value === lastValue) continue;
    lastValue = value;
    if (settled === null && candidates.length === 0) candidates = [older(value, mask)];
    else if (settled === null) {
      // Before the first event the register had a value that nobody read.
      candidates = [older(0, 0), ...candidates];
    }
    if (!fresh) out = [];
    const { left, explained } = settle(candidates, value, mask, out);
    candidates = left;
    fresh = false;
    settled = [left, out, explained];
  }
  return settled === null ? null : conclude(...settled);
};

/** What the findings of its fields say of a whole register; null when they name different sources. */
export const together = (fields: readonly Finding[]): Finding | null => {
  const [first] = fields;
  if (first === undefined) return null;
  if (fields.every((one) => one === first)) return first;
  const shared = first.candidates.filter((source) =>
    fields.every(({ candidates }) => candidates.includes(source)),
  );
  if (shared.length === 0) return null;
  const { evidence } = first;
  const certainties = new Set(fields.map(({ certainty }) => certainty));
  if (certainties.has('open')) return finding('open', shared, evidence);
  const [only, ...others] = shared;
  if (only === undefined || others.length > 0) return finding('ambiguous', shared, evidence);
  return finding(
    certainties.size === 1 && certainties.has('proved') ? 'proved' : 'inferred',
    [only],
    evidence,
  );
};
