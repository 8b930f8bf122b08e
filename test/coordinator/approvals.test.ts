import { describe, expect, it } from 'vitest';
import { seconds } from '../../src-main/core/recovery/phase.ts';
import { systemFiles, type JournalFiles } from '../../src-main/journal/files.ts';
import type { JournalBody } from '../../src-main/core/journal/line.ts';
import { readJournal } from '../../src-main/journal/reader.ts';
import type { VfioCore } from '../../src-main/rigs/simulated/kernel/vfioCore.ts';
import type { SimulatedRig } from '../../src-main/rigs/simulated/simulatedRig.ts';
import { notHandedDown, withSession } from './between.ts';
import { journalOn } from './journals.ts';
import { codeOf, decision, Lab, rng, valueOf } from './lab.ts';

/** The real file system, and an account of what was written and synced in which order. */
const recordingFiles = (order: string[]): JournalFiles => ({
  ...systemFiles,
  openNew: (path) => {
    const file = systemFiles.openNew(path);
    return {
      ...file,
      write: (bytes, offset) => {
        const line = JSON.parse(new TextDecoder().decode(bytes.subarray(offset))) as JournalBody;
        order.push(line.type === 'step' ? `step ${line.event.kind}` : line.type);
        return file.write(bytes, offset);
      },
      sync: () => {
        file.sync();
        order.push('synced');
      },
    };
  },
});

const watchKernel = (core: VfioCore, order: string[]): void => {
  const { acknowledgement } = core;
  const complete = acknowledgement.complete.bind(acknowledgement);
  acknowledgement.complete = () => {
    order.push('kernel: ack');
    complete();
  };
  const setIrqs = core.setIrqs.bind(core);
  core.setIrqs = (request) => {
    order.push(`kernel: SET_IRQS 0x${request.flags.toString(16)} index ${request.index}`);
    return setIrqs(request);
  };
};

/** The policy is carried out here, and not by what was handed down. */
const here = (rig: SimulatedRig) => withSession(rig, notHandedDown);

const cases = [
  {
    title: 'a person acks',
    policy: {},
    decide: (lab: Lab) => lab.coordinator.acknowledge(rng, decision),
    expected: [
      'approval',
      'step acknowledgeRequested',
      'synced',
      'kernel: SET_IRQS 0x11 index 5',
      'kernel: ack',
      'step acknowledgeFinished',
    ],
  },
  {
    title: 'a person withdraws',
    policy: {},
    decide: (lab: Lab) => lab.coordinator.withdraw(rng, decision),
    expected: [
      'approval',
      'step withdrawRequested',
      'synced',
      'kernel: SET_IRQS 0x21 index 5',
      'step withdrawFinished',
    ],
  },
  {
    title: 'the policy acks',
    policy: { decision: 'ackWhenQuiesced' },
    between: here,
    decide: null,
    expected: [
      'approval',
      'step quiesceFinished',
      'synced',
      'kernel: SET_IRQS 0x11 index 5',
      'kernel: ack',
      'step acknowledgeFinished',
    ],
  },
  {
    title: 'the policy acks at the time-out',
    policy: { onTimeout: 'acknowledge' },
    between: here,
    decide: null,
    expected: [
      'approval',
      'step clockReached',
      'synced',
      'kernel: SET_IRQS 0x11 index 5',
      'kernel: ack',
      'step acknowledgeFinished',
    ],
  },
] as const;

describe('an approval', () => {
  it.each(cases)('is on the disk before the kernel hears of it: $title', async (one) => {
    const order: string[] = [];
    const journal = journalOn(recordingFiles(order));
    const lab = new Lab({ journal, ...('between' in one ? { between: one.between } : {}) });
    await lab.arm(one.policy);
    watchKernel(lab.core(), order);
    await lab.hit();
    if (one.decide !== null) {
      await lab.phase('awaitingAck');
      valueOf(await one.decide(lab));
    }
    await lab.until('an approval', () => lab.linesOf('approval').length > 0);
    await lab.wait(0);
    const from = order.indexOf('approval');
    expect(order.slice(from, from + one.expected.length)).toEqual(one.expected);
    await lab.close();
    valueOf(await journal.close());
  });

  it('is kept with operator, reason and what was known', async () => {
    const journal = journalOn();
    const lab = new Lab({ journal });
    await lab.arm();
    await lab.hit();
    await lab.phase('awaitingAck');
    await lab.wait(seconds(12));
    const { deadline } = lab.state() as { deadline: number };
    const now = lab.rig.clock.now();
    valueOf(await lab.coordinator.acknowledge(rng, { operator: ' Ada ', reason: ' the bus is quiet ' }));
    await lab.phase('recovered');
    await lab.close();
    valueOf(await journal.close());
    const approvals: unknown[] = [];
    valueOf(
      await readJournal(journal.path, {
        line: (line) => {
          if (line.type === 'approval') approvals.push(line);
        },
        finding: (finding) => expect.fail(JSON.stringify(finding)),
      }),
    );
    expect(approvals).toMatchObject([
      {
        device: rng,
        recovery: 1,
        action: 'acknowledge',
        approval: { operator: 'Ada', reason: 'the bus is quiet', by: 'person' },
        at: now,
        known: {
          phase: 'awaitingAck',
          protocol: 'notify',
          timeLeft: deadline - now,
          sharers: [],
          severity: 'fatal',
          errors: [{ source: 'aer', name: 'MALF_TLP', severity: 'fatal' }],
          quiesce: { succeeded: true },
        },
      },
    ]);
  });

  it('is for one wait only: the next error has to be approved anew', async () => {
    const lab = new Lab();
    await lab.arm();
    const acks = lab.acks();
    for (const number of [1, 2]) {
      await lab.hit();
      await lab.phase('awaitingAck');
      expect(lab.recovery()).toMatchObject({ number, approval: null });
      valueOf(await lab.coordinator.acknowledge(rng, decision));
      expect(codeOf(await lab.coordinator.acknowledge(rng, decision))).toBe('noOpenWait');
      await lab.phase('recovered');
      expect(codeOf(await lab.coordinator.acknowledge(rng, decision))).toBe('noOpenWait');
      expect(acks.count).toBe(number);
    }
    expect(lab.linesOf('approval').map(({ recovery }) => recovery)).toEqual([1, 2]);
    await lab.close();
  });

  it('given twice at once is sent once', async () => {
    const lab = new Lab();
    await lab.arm();
    const acks = lab.acks();
    await lab.hit();
    await lab.phase('awaitingAck');
    const answers = await Promise.all([
      lab.coordinator.acknowledge(rng, decision),
      lab.coordinator.acknowledge(rng, decision),
      lab.coordinator.withdraw(rng, decision),
    ]);
    expect(answers.map(codeOf)).toEqual(['ok', 'stepUnderWay', 'stepUnderWay']);
    expect(acks.count).toBe(1);
    expect(lab.linesOf('approval')).toHaveLength(1);
    await lab.phase('recovered');
    await lab.close();
  });
});
