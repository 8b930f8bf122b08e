import { errnoNumbers, parseErrno, type Errno } from '../errno.ts';
import { correctableErrors, findAerError, uncorrectableErrors } from '../pci/aer.ts';
import type { RecoveryUevent } from '../recovery/event.ts';
import { phases } from '../recovery/phase.ts';
import { reasons, type Reason } from '../recovery/reasons.ts';
import { errorCodes, failure, success, type Result } from '../result.ts';
import { errorEventCodes } from '../zpci/eventCodes.ts';
import { explainCode } from './codes.ts';
import { explainErrno, explainErrnoEverywhere } from './errnos.ts';
import { exitCodes, explainExitCode, type ExitCode } from './exitCodes.ts';
import type { Explanation } from './explanation.ts';
import { explainAerError, explainPec } from './faultNames.ts';
import { ersResultNames, explainErsResult, explainUevent, ueventNames } from './kernelWords.ts';
import { nearest } from './nearest.ts';
import { operations, type Operation } from './operations.ts';
import { explainPhase } from './phases.ts';
import { explainReason } from './reasons.ts';

/** `NEED_RESET`, `need reset` and `needReset` are the same word. */
const squash = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');

interface Word {
  readonly written: string;
  readonly explain: () => readonly Explanation[];
}

const one = (written: string, explain: () => Explanation): Word => ({ written, explain: () => [explain()] });

const ueventKeys = Object.keys(ueventNames) as readonly RecoveryUevent[];

/** Every word that has an explanation. A word may stand for several things; each of them is listed. */
const words: readonly Word[] = [
  ...Object.keys(errnoNumbers).map((name) => ({
    written: name,
    explain: () => explainErrnoEverywhere(parseErrno(name) as Errno),
  })),
  ...phases.map((phase) => one(phase, () => explainPhase(phase))),
  ...errorCodes.map((code) => one(code, () => explainCode(code))),
  ...(Object.keys(reasons) as Reason[]).map((reason) => one(reason, () => explainReason(reason))),
  ...ersResultNames.flatMap((name) => [
    one(name, () => explainErsResult(name)),
    one(`PCI_ERS_RESULT_${name}`, () => explainErsResult(name)),
  ]),
  ...ueventKeys.flatMap((key) => [
    one(ueventNames[key], () => explainUevent(key)),
    one(`ERROR_EVENT=${ueventNames[key]}`, () => explainUevent(key)),
  ]),
  ...[...uncorrectableErrors, ...correctableErrors].map((error) =>
    one(error.name, () => explainAerError(error)),
  ),
  ...errorEventCodes.map((code) => one(code.name, () => explainPec(code.number))),
];

const bySquashed = new Map<string, Word[]>();
for (const word of words) {
  const key = squash(word.written);
  bySquashed.set(key, [...(bySquashed.get(key) ?? []), word]);
}

const isExitCode = (number: number): number is ExitCode => Object.hasOwn(exitCodes, number);

const hexadecimal = /^0x([0-9a-f]{1,4})$/i;
const decimal = /^-?(\d{1,5})$/;

const numberOf = (text: string): number | undefined => {
  const hex = hexadecimal.exec(text)?.[1];
  if (hex !== undefined) return Number.parseInt(hex, 16);
  const digits = decimal.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
};

/** A PEC field has 16 bits; a number without a public name is still an error event that Linux recovers from. */
const pecOf = (number: number): readonly Explanation[] =>
  number > 0 && number <= 0xffff ? [explainPec(number)] : [];

const namedPec = (name: string): readonly Explanation[] =>
  errorEventCodes.filter((code) => squash(code.name) === squash(name)).map((code) => explainPec(code.number));

/** A decimal number is an errno first, as kernels print them (`-11`); a hexadecimal one is a PEC first. */
const explainNumber = (text: string, number: number): readonly Explanation[] => {
  const errno = parseErrno(String(number));
  const asErrno = errno === undefined ? [] : explainErrnoEverywhere(errno);
  if (hexadecimal.test(text)) return [...pecOf(number), ...asErrno];
  const negative = text.startsWith('-');
  const named = errorEventCodes.some((code) => code.number === number);
  return [
    ...asErrno,
    ...(named && !negative ? pecOf(number) : []),
    ...(isExitCode(number) && !negative ? [explainExitCode(number)] : []),
  ];
};

const operationOf = (text: string): Operation | undefined =>
  operations.find((operation) => squash(operation) === squash(text));

/** `PEC 4`, `exit 2`, `errno 11`, `reset EAGAIN`: a word that says what the other one is. */
const explainPair = (first: string, second: string): readonly Explanation[] => {
  const number = numberOf(second);
  switch (squash(first)) {
    case 'pec':
      return number === undefined ? namedPec(second) : pecOf(number);
    case 'exit':
    case 'exitcode':
      return number !== undefined && isExitCode(number) ? [explainExitCode(number)] : [];
    case 'errno': {
      const errno = parseErrno(number === undefined ? second : String(number));
      return errno === undefined ? [] : explainErrnoEverywhere(errno);
    }
    default: {
      const operation = operationOf(first);
      const errno = parseErrno(number === undefined ? second : String(number));
      return operation === undefined || errno === undefined ? [] : [explainErrno(operation, errno)];
    }
  }
};

const explainWord = (text: string): readonly Explanation[] => {
  const found = (bySquashed.get(squash(text)) ?? []).flatMap((word) => word.explain());
  if (found.length > 0) return found;
  const aer = findAerError(text);
  return aer === undefined ? [] : [explainAerError(aer)];
};

const unknown = (text: string): ReturnType<typeof failure> => {
  const near = nearest(
    squash(text),
    words.map((word) => ({ key: squash(word.written), written: word.written })),
  );
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return near.length === 0
    ? failure(
        'unknownCode',
        `Nothing is known about "${shown}". Try an errno (EAGAIN, 11), a phase (awaitingAck), a reason, an AER error (MALF_TLP) or a PEC (PEC 4).`,
      )
    : failure('unknownCode', `Nothing is known about "${shown}". Near matches: ${near.join(', ')}.`, {
        details: { nearMatches: near },
      });
};

/**
 * Whatever a person types: an errno by name or number, an error code, a phase, a reason, a word of the kernel, an AER
 * error, a PEC, an exit code; or a pair such as `reset EAGAIN`. An ambiguous word gives every meaning, the likeliest first.
 */
export const explain = (text: string): Result<readonly Explanation[]> => {
  const trimmed = text.trim();
  const whole = explainWord(trimmed);
  if (whole.length > 0) return success(whole);
  const number = numberOf(trimmed);
  const asNumber = number === undefined ? [] : explainNumber(trimmed, number);
  if (asNumber.length > 0) return success(asNumber);
  const parts = trimmed.split(/[\s:=]+/);
  const [first, second] = [parts.slice(0, -1).join(' '), parts.at(-1) ?? ''];
  const pair = first === '' ? [] : explainPair(first, second);
  return pair.length > 0 ? success(pair) : unknown(trimmed);
};
