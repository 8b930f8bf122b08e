import { describe, expect, it } from 'vitest';
import type { JournalLine } from '../../../src-main/core/journal/line.ts';
import { auditRestore, type RegisterAudit, type RestoreAudit } from '../../../src-main/core/restore/audit.ts';
import { problemText } from '../../../src-main/core/restore/auditText.ts';
import type { RestoreEvent, RestoreHistory } from '../../../src-main/core/restore/history.ts';
import { historyLines } from '../../../src-main/core/restore/historyLines.ts';
import { recordedRecoveries, type RecordedRecovery } from '../../../src-main/core/restore/recordings.ts';
import { historyOf, type Unpack } from '../../../src-main/core/restore/runHistory.ts';
import { decodeSnapshot } from '../../../src-main/journal/snapshot.ts';
import type { ProfileName } from '../../../src-main/rigs/simulated/kernel/profile.ts';
import { notHandedDown, withSession } from '../../coordinator/between.ts';
import { Lab, fatal, rng, valueOf } from '../../coordinator/lab.ts';
import { linesOfDevice } from './recorded.ts';

const recoverFully = async (lab: Lab): Promise<void> => {
  const ends = lab.linesOf('snapshot').filter(({ moment }) => moment === 'end').length;
  await lab.hit(fatal);
  await lab.phase('recovered');
  await lab.until('the last reading', () => {
    const kept = lab.linesOf('snapshot').filter(({ moment }) => moment === 'end').length;
    return kept === ends + 2;
  });
};

/** What a bench recorded while `work` went on. */
const recorded = async (
  work: (lab: Lab) => Promise<void>,
  profile: ProfileName = 'notify-7.2',
): Promise<readonly JournalLine[]> => {
  const lab = new Lab({ profile, between: (rig) => withSession(rig, notHandedDown) });
  try {
    await work(lab);
    return linesOfDevice(lab);
  } finally {
    await lab.close();
  }
};
const policy = { decision: 'ackWhenQuiesced', afterReset: 'reinitialise' } as const;
const times = (count: number, profile?: ProfileName): Promise<readonly JournalLine[]> =>
  recorded(async (lab) => {
    await lab.arm(policy);
    for (let done = 0; done < count; done += 1) await recoverFully(lab);
  }, profile);

const unpack: Unpack = ({ bytes }) => {
  const config = decodeSnapshot(bytes);
  return config.ok ? config.value : null;
};
const recoveryOf = (lines: readonly JournalLine[], index: number): RecordedRecovery => {
  const found = recordedRecoveries(lines).at(index);
  if (found === undefined) throw new Error('There is no such recovery.');
  return found;
};
const told = (lines: readonly JournalLine[], index = -1, read = unpack): RestoreHistory => {
  const run = { lines, kernel: '7.2.13', architecture: 'x86_64' };
  const history = historyOf(run, recoveryOf(lines, index), read);
  if (history === null) throw new Error('No steps are known of 7.2.13.');
  return history;
};
const kinds = ({ events }: RestoreHistory, kind: RestoreEvent['kind']): readonly RestoreEvent[] =>
  events.filter((event) => event.kind === kind);
const namesOf = ({ moments }: RestoreAudit): readonly string[] => moments.map(({ name }) => name);
const labelled = ({ registers }: RestoreAudit, label: string): RegisterAudit => {
  const found = registers.find((one) => one.label === label);
  if (found === undefined) throw new Error(`No register ${label}.`);
  return found;
};
const wholeStory = ['open', 'armed', 'beforeFault', 'duringWait', 'afterReset', 'end'];
/** Without the steps of reinitialising, where those are kept. */
const mainMoments = (audit: RestoreAudit): readonly string[] =>
  namesOf(audit).filter((name) => !name.startsWith('afterStep'));

/** The lines as a bench of before wrote them: no record of single writes, no reading at the opening or before a fault. */
const asBefore = (lines: readonly JournalLine[]): readonly JournalLine[] =>
  lines
    .filter((line) => line.type !== 'snapshot' || !/^(open|beforeFault|afterStep)/.test(line.moment))
    .map(
      (line) =>
        JSON.parse(
          JSON.stringify(line, (key, value: unknown) => (key === 'did' ? undefined : value)),
        ) as JournalLine,
    );

describe('the history of a recovery, from the lines of a run', () => {
  it('begins with the opening, and holds what the bench wrote and reset in the order of the readings', async () => {
    const history = told(await times(1));
    const order = history.events.map((event) => (event.kind === 'reading' ? event.moment : event.kind));
    expect(order.slice(0, 3)).toEqual(['opened', 'open', 'open']);
    expect(order.indexOf('ownWrite')).toBeLessThan(order.indexOf('armed'));
    expect(order.indexOf('recoveryReset')).toBe(order.indexOf('afterReset') - 1);
    expect(order.indexOf('deviceReset')).toBeGreaterThan(order.indexOf('afterReset'));
    expect(order.indexOf('deviceReset')).toBeLessThan(order.indexOf('end'));
    expect(mainMoments(auditRestore(history))).toEqual(wholeStory);
  });

  it('puts what each step of reinitialising did before the reading after it', async () => {
    const { events } = told(await times(1));
    const from = events.findIndex((event) => event.kind === 'reading' && event.moment === 'afterReset');
    const order = events.slice(from).flatMap((event) => {
      if (event.kind === 'reading') return event.view === 'hardware' ? event.moment : [];
      return event.kind === 'ownWrite' ? `write ${event.offset.toString(16)}` : event.kind;
    });
    expect(order).toEqual([
      'afterReset',
      'write 4',
      'afterStep: COMMAND',
      'deviceReset',
      'afterStep: DEVICE_RESET',
      'write 4',
      'afterStep: COMMAND again',
      expect.stringMatching(/^write/),
      'afterStep: DevCtl',
      'kernelFeature',
      'kernelFeature',
      'afterStep: MSI-X',
      'afterStep: engine',
      'end',
    ]);
  });

  it('takes them together where the steps were not read, or the journal does not say of each', async () => {
    const lines = (await times(1)).filter(
      (line) => line.type !== 'snapshot' || !line.moment.startsWith('afterStep'),
    );
    const together = lines.map((line): JournalLine => {
      if (line.type !== 'step' || line.event.kind !== 'reinitialiseFinished') return line;
      const { steps, succeeded } = line.event.report;
      const report = {
        succeeded,
        steps: steps.map(({ did: _, ...step }) => step),
        did: steps.flatMap(({ did = [] }) => did),
      };
      return { ...line, event: { ...line.event, report } };
    });
    const { events } = told(lines);
    expect(events.filter(({ kind }) => kind === 'deviceReset')).toHaveLength(1);
    const timeless = (history: RestoreHistory): readonly object[] =>
      history.events.map(({ at: _, ...event }) => event);
    expect(timeless(told(together))).toEqual(timeless(told(lines)));
  });

  it('knows no kernel but Linux', async () => {
    const lines = await times(1);
    expect(
      historyOf({ lines, kernel: 'FreeBSD', architecture: 'amd64' }, recoveryOf(lines, -1), unpack),
    ).toBeNull();
  });

  it.each([
    ['x86_64', 'aer'],
    ['s390x', 'zpci'],
    ['ppc64le', 'eeh'],
  ])('of %s is of the platform %s', async (architecture, platform) => {
    const lines = await times(1);
    const history = historyOf({ lines, kernel: '6.12', architecture }, recoveryOf(lines, -1), unpack);
    expect(history?.platform).toBe(platform);
  });
});

describe('what the driver restores by itself', () => {
  it.each([
    ['notify-7.2', 'nothing', { source: 'hardwareReset' }],
    // Event 2 proves no reset, and so no restore: another value than the opening's would rule it out.
    [
      'notify-7.2-restore',
      'openSnapshot',
      { candidates: expect.arrayContaining(['openSnapshot']) as string[] },
    ],
  ] as const)('on %s is %s, as the rig says when the device is opened', async (profile, restores, found) => {
    const lines = await times(1, profile);
    const history = told(lines);
    expect(history.policy).toBe(restores);
    const first = history.events.findIndex(
      (event) => event.kind === 'reading' && event.moment === 'afterReset',
    );
    const audit = auditRestore({ ...history, events: history.events.slice(0, first + 2) });
    const memory = labelled(audit, 'Control').fields.find(({ name }) => name === 'memorySpace');
    expect(memory?.finding).toMatchObject(found);
    expect(memory?.finding.candidates).not.toContain('lastSave');
  });

  it('is unknown where the opening does not say it, or says what nobody knows', async () => {
    const lines = await times(1);
    const saying = (restores: unknown): readonly JournalLine[] =>
      lines.map((line) =>
        line.type === 'operation' && line.operation === 'open'
          ? { ...line, detail: { ...(line.detail as object), restores } }
          : line,
      );
    for (const said of [undefined, 'everything', 7]) expect(told(saying(said)).policy).toBe('unknown');
    expect(told(saying('lastSave')).policy).toBe('lastSave');
  });
});

describe('several recoveries of one arming', () => {
  it('have a history each, and the later ones know of the resets before them', async () => {
    const lines = await times(3);
    expect(recordedRecoveries(lines).map(({ number }) => number)).toEqual([1, 2, 3]);
    expect([0, 1, 2].map((index) => kinds(told(lines, index), 'recoveryReset').length)).toEqual([1, 2, 3]);
    expect([0, 1, 2].map((index) => kinds(told(lines, index), 'deviceReset').length)).toEqual([1, 2, 3]);
    for (const index of [0, 1, 2]) {
      const audit = auditRestore(told(lines, index));
      expect(mainMoments(audit)).toEqual(wholeStory);
      expect(labelled(audit, 'DevCtl').finding).toMatchObject({ source: 'userSpace', certainty: 'proved' });
    }
  });

  it('show no moment and no hazard of the one before', async () => {
    const lines = await times(2);
    const history = told(lines, 1);
    const audit = auditRestore(history);
    const begins = recoveryOf(lines, 1).openedAt;
    for (const { name, at } of audit.moments) {
      if (name !== 'open' && name !== 'armed' && name !== 'beforeFault') {
        expect(at).toBeGreaterThanOrEqual(begins);
      }
    }
    expect(audit.hazards.length).toBeGreaterThan(0);
    for (const { at } of audit.hazards) expect(at).toBeGreaterThanOrEqual(begins);
  });

  it('are gone through a few at a time; the open-time snapshot stays known, the last save does not', async () => {
    const lines = await times(7);
    const last = recoveryOf(lines, -1);
    const kept = historyLines(lines, last);
    expect(kept.gap).not.toBeNull();
    const history = told(lines);
    expect(kinds(history, 'gap')).toHaveLength(1);
    expect(kinds(history, 'recoveryReset')).toHaveLength(5);
    const audit = auditRestore(history);
    expect(mainMoments(audit)).toEqual(wholeStory);
    expect(labelled(audit, 'DevCtl').finding).toMatchObject({ source: 'userSpace', certainty: 'proved' });
    const early = historyLines(lines, recoveryOf(lines, 3));
    expect(early.gap).toBeNull();
    expect(kinds(told(lines, 3), 'gap')).toEqual([]);
  });
});

describe('a device that is armed again', () => {
  it('is held against its last arming, and its recoveries are told apart although they are counted anew', async () => {
    const lines = await recorded(async (lab) => {
      await lab.arm(policy);
      await recoverFully(lab);
      valueOf(await lab.coordinator.disarm(rng));
      await lab.arm(policy);
      await recoverFully(lab);
    });
    expect(recordedRecoveries(lines).map(({ number }) => number)).toEqual([1, 1]);
    const armings = lines.filter((line) => line.type === 'snapshot' && line.moment === 'armed');
    const [first, second] = [auditRestore(told(lines, 0)), auditRestore(told(lines, 1))];
    expect(first.moments[first.baseline]).toMatchObject({ name: 'armed', at: armings[0]?.at });
    expect(second.moments[second.baseline]).toMatchObject({ name: 'armed', at: armings.at(-2)?.at });
    expect(mainMoments(second)).toEqual(wholeStory);
    expect(kinds(told(lines, 1), 'recoveryReset')).toHaveLength(2);
  });

  it('that was closed in between begins anew', async () => {
    const lines = await recorded(async (lab) => {
      await lab.arm(policy);
      await recoverFully(lab);
      valueOf(await lab.coordinator.close(rng));
      await lab.arm(policy);
      await recoverFully(lab);
    });
    const history = told(lines, 1);
    expect(kinds(history, 'opened')).toHaveLength(1);
    expect(kinds(history, 'recoveryReset')).toHaveLength(1);
    expect(history.events[0]?.at).toBeGreaterThan(recoveryOf(lines, 0).openedAt);
  });

  it('without an error since has its readings up to then', async () => {
    const lines = await recorded(async (lab) => {
      await lab.arm(policy);
    });
    const audit = auditRestore(told(lines));
    expect(namesOf(audit)).toEqual(['open', 'armed']);
    expect(audit.hazards).toEqual([]);
  });
});

describe('a journal of before', () => {
  it('claims no source for what the bench wrote without a record of it', async () => {
    const history = told(asBefore(await times(1)));
    expect(kinds(history, 'ownWrite')).toEqual([]);
    expect(kinds(history, 'opened')).toEqual([]);
    const audit = auditRestore(history);
    expect(namesOf(audit)).toEqual(['armed', 'duringWait', 'afterReset', 'end']);
    for (const label of ['DevCtl', 'Control', 'Region 1']) {
      const { finding, verdict } = labelled(audit, label);
      expect([label, finding?.certainty, finding?.source, verdict]).toEqual([
        label,
        'open',
        null,
        'restored',
      ]);
    }
  });

  it('still says that quiescing switched MSI-X off, so that no hazard is made of it', async () => {
    const history = told(asBefore(await times(1)));
    expect(kinds(history, 'kernelFeature')).toEqual([
      expect.objectContaining({ feature: 'msix', change: 'disabled' }),
    ]);
    expect(auditRestore(history).hazards.map(({ kind }) => kind)).not.toContain('interruptsKernelOnly');
  });
});

describe('a reading that is damaged in the journal', () => {
  it.each(['open', 'armed', 'duringWait', 'afterReset', 'end'])(
    'at "%s" costs that reading and nothing else',
    async (damaged) => {
      const lines = (await times(1)).map((line) =>
        line.type === 'snapshot' && line.moment === damaged ? { ...line, bytes: '***' } : line,
      );
      const audit = auditRestore(told(lines));
      expect(mainMoments(audit)).toEqual(wholeStory);
      const place = namesOf(audit).indexOf(damaged);
      expect([...new Set(audit.registers.map(({ values }) => values[place]))]).toEqual([null]);
      expect(audit.registers.length).toBeGreaterThan(50);
      expect(audit.problems.filter(({ kind }) => kind === 'unreadable')).toEqual(
        ['hardware', 'vfio'].map((view) => ({
          kind: 'unreadable',
          view,
          moments: [place],
          names: [damaged],
          readability: { kind: 'nothing', because: 'damaged' },
        })),
      );
      expect(audit.moments[audit.baseline]?.name).toBe(damaged === 'armed' ? 'open' : 'armed');
    },
  );

  it('everywhere leaves nothing to audit', async () => {
    const audit = auditRestore(told(await times(1), -1, () => null));
    expect(audit.registers).toEqual([]);
    expect(audit.problems[0]).toEqual({ kind: 'nothingRead' });
    expect(audit.problems.map(problemText).at(-1)).toMatch(/vfio view\) unreadable at .*the end: .*damaged/);
  });
});
