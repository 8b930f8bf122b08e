import { describe, expect, it } from 'vitest';
import {
  errnoFromNumber,
  errnoNumbers,
  errnoOf,
  parseErrno,
  type ErrnoName,
} from '../../../src-main/core/errno.ts';
import { explainCode } from '../../../src-main/core/explain/codes.ts';
import { errnosOf, explainErrno, explainErrnoEverywhere } from '../../../src-main/core/explain/errnos.ts';
import { explainExitCode } from '../../../src-main/core/explain/exitCodes.ts';
import type { Explanation } from '../../../src-main/core/explain/explanation.ts';
import { explainAerError, explainPec } from '../../../src-main/core/explain/faultNames.ts';
import {
  ersResultNames,
  explainErsResult,
  explainUevent,
} from '../../../src-main/core/explain/kernelWords.ts';
import { operations, operationTitles } from '../../../src-main/core/explain/operations.ts';
import { explainPhase } from '../../../src-main/core/explain/phases.ts';
import { explainReason } from '../../../src-main/core/explain/reasons.ts';
import { correctableErrors, uncorrectableErrors } from '../../../src-main/core/pci/aer.ts';
import { phases } from '../../../src-main/core/recovery/phase.ts';
import { reasons, type Reason } from '../../../src-main/core/recovery/reasons.ts';
import { errorCodes } from '../../../src-main/core/result.ts';
import { availabilityEventCodes, errorEventCodes } from '../../../src-main/core/zpci/eventCodes.ts';

const errnoNames = Object.keys(errnoNumbers) as ErrnoName[];
const reasonNames = Object.keys(reasons) as Reason[];

const everything: readonly Explanation[] = [
  ...errnoNames.flatMap((name) => explainErrnoEverywhere(errnoOf(name))),
  ...errorCodes.map(explainCode),
  ...phases.map(explainPhase),
  ...reasonNames.map(explainReason),
  ...ersResultNames.map(explainErsResult),
  ...(['beginRecovery', 'successfulRecovery', 'failedRecovery'] as const).map(explainUevent),
  ...([0, 1, 2, 3] as const).map(explainExitCode),
  ...[...uncorrectableErrors, ...correctableErrors].map(explainAerError),
  ...[...errorEventCodes, ...availabilityEventCodes, { number: 0x99 }].map(({ number }) =>
    explainPec(number),
  ),
];

describe('every explanation', () => {
  it.each(everything.map((explanation) => [explanation.title, explanation] as const))(
    'of %s is made of full sentences',
    (_, { title, whatHappened, why, whatToDo, source }) => {
      for (const text of [whatHappened, why, whatToDo]) {
        expect(text).toMatch(/^["A-Z].{7,}\.$/s);
        expect(text).not.toMatch(/\s\s|\.\.|\[object|\bundefined$/);
      }
      expect(new Set([whatHappened, why, whatToDo]).size).toBe(3);
      expect(title).not.toBe('');
      if (source !== undefined) expect(source).toMatch(/\w{4,}/);
    },
  );

  it('has a title of its own', () => {
    const titles = everything.map(({ title }) => title);
    expect(titles.filter((title, at) => titles.indexOf(title) !== at)).toEqual([]);
  });

  it('of an errno, a code, a phase or a word of the kernel tells something of its own', () => {
    const told = [
      ...errnoNames.map((name) => explainErrno('open', { ...errnoOf(name) })),
      ...errorCodes.map(explainCode),
      ...phases.map(explainPhase),
      ...ersResultNames.map(explainErsResult),
    ].map(({ whatHappened, why, whatToDo }) => [whatHappened, why, whatToDo].join(' '));
    expect(told.filter((text, at) => told.indexOf(text) !== at)).toEqual([]);
  });

  it('of a reason holds the reason’s own sentence and title', () => {
    for (const reason of reasonNames) {
      expect(explainReason(reason)).toMatchObject({ whatHappened: reasons[reason] });
      expect(explainReason(reason).title).toMatch(new RegExp(`^${reason}: \\S`));
    }
    const titles = reasonNames.map((reason) => explainReason(reason).title.split(': ')[1]);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it('of a reason whose sentence cites an observation rests on that observation', () => {
    for (const reason of reasonNames) {
      for (const [, number] of reasons[reason].matchAll(/observation (\d+)/g)) {
        expect(explainReason(reason).source).toMatch(new RegExp(`observations?\\b.*\\b${number}\\b`));
      }
    }
  });
});

describe('an errno from a call', () => {
  it('always shows its number, its name and the call', () => {
    for (const operation of operations) {
      for (const name of errnoNames) {
        const { title } = explainErrno(operation, errnoOf(name));
        expect(title).toBe(`${name} (${errnoNumbers[name]}) from ${operationTitles[operation]}`);
      }
    }
  });

  it('has a meaning of its own for every call', () => {
    for (const operation of operations) expect(errnosOf(operation).length).toBeGreaterThan(0);
  });

  it('has the general meaning where the call gives it none', () => {
    const [general] = explainErrnoEverywhere(errnoOf('EROFS'));
    expect(explainErrno('reset', errnoOf('EROFS'))).toEqual({
      ...general,
      title: 'EROFS (30) from VFIO_DEVICE_RESET',
    });
  });

  it('is explained when it has no name', () => {
    expect(explainErrno('reset', errnoFromNumber(250))).toMatchObject({
      title: 'errno 250 from VFIO_DEVICE_RESET',
      whatHappened: 'The kernel answered with errno 250.',
    });
  });

  it.each([
    ['reset', 'EAGAIN', /wait for an ack.*s390x/, /2 to 20 ms/],
    ['getIrqInfo', 'EINVAL', /GET_IRQ_INFO\(5\)/, /num_irqs/],
    ['acknowledge', 'EINVAL', /count of 1/, /0x11 with count 0/],
    ['acknowledge', 'ENOTTY', /MASK/, /UNMASK/],
    ['arm', 'EINVAL', /PCI Express function on kernels before 7\.3/, /another protocol/],
    ['feature', 'ENOTTY', /older kernel recovers by itself/, /legacy/],
    ['feature', 'ENOMSG', /spurious/, /Stop draining/],
    ['readConfig', 'ENODEV', /error state/, /health check/],
    ['setContainer', 'EPERM', /sibling function/, /vfio-pci/],
    ['open', 'EBUSY', /opened once/, /Close the other program/],
    ['open', 'ENOENT', /not loaded/, /Load vfio-pci/],
    ['open', 'EACCES', /root/, /udev/],
    ['aerInject', 'EPERM', /CAP_SYS_ADMIN/, /root/],
    ['aerInject', 'ENODEV', /root port/, /address/],
    ['aerInject', 'EINVAL', /masks this error/, /aer_mask_override/],
    ['aerInject', 'EPROTONOSUPPORT', /no AER capability/, /with AER/],
    ['aerInject', 'ENOENT', /not loaded/, /Load aer_inject/],
    ['journal', 'ENOSPC', /disk is full/, /new run/],
    ['journal', 'EFBIG', /size/, /ulimit -f/],
    ['journal', 'EDQUOT', /quota/, /quota/],
    ['journal', 'EROFS', /read-only/, /another directory/],
    ['sysfsReset', 'ETIMEDOUT', /cannot ack/, /ack or withdraw/],
  ] as const)('tells of %s and %s what was measured', (operation, name, why, whatToDo) => {
    const explanation = explainErrno(operation, errnoOf(name));
    expect(explanation.why).toMatch(why);
    expect(explanation.whatToDo).toMatch(whatToDo);
  });
});

describe('the errno table', () => {
  it('holds each number once, and finds it by name and by number', () => {
    expect(new Set(Object.values(errnoNumbers)).size).toBe(errnoNames.length);
    for (const name of errnoNames) {
      const errno = { name, number: errnoNumbers[name] };
      expect(parseErrno(name.toLowerCase())).toEqual(errno);
      expect(parseErrno(String(errno.number))).toEqual(errno);
    }
  });

  it('does not take the members of Object for names', () => {
    for (const text of ['constructor', '__proto__', 'toString', '', '0', '-11', '1.5']) {
      expect(parseErrno(text)).toBeUndefined();
    }
  });
});
