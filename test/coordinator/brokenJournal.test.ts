import { describe, expect, it } from 'vitest';
import { seconds } from '../../src-main/core/recovery/phase.ts';
import type { JournalFiles } from '../../src-main/journal/files.ts';
import { failingFiles, systemError } from '../journal/failingFiles.ts';
import { journalOn } from './journals.ts';
import { codeOf, decision, Lab, policyOf, rng } from './lab.ts';

/** A disk in memory that can be told to be full from now on, or after some more lines. */
const fillableDisk = () => {
  const { files } = failingFiles({ errno: 'ENOSPC' });
  const disk = { room: Infinity };
  const limited: JournalFiles = {
    ...files,
    openNew: (path) => {
      const file = files.openNew(path);
      return {
        ...file,
        write: (bytes, offset) => {
          if (disk.room <= 0) throw systemError('ENOSPC');
          disk.room -= 1;
          return file.write(bytes, offset);
        },
      };
    },
  };
  return { disk, files: limited };
};

describe('a journal that runs full in the middle of a wait', () => {
  it.each([
    ['before the approval', 0],
    ['between the approval and the step', 1],
  ])('(%s) refuses the ack, sends nothing, and the kernel times out', async (_title, room) => {
    const { disk, files } = fillableDisk();
    const lab = new Lab({ journal: journalOn(files) });
    await lab.arm();
    const acks = lab.acks();
    await lab.hit();
    await lab.phase('awaitingAck');
    await lab.wait(seconds(1));
    disk.room = room;
    const answer = await lab.coordinator.acknowledge(rng, decision);
    expect(answer).toMatchObject({
      ok: false,
      error: { code: 'journalUnwritable', errno: { name: 'ENOSPC' } },
    });
    expect(acks.count).toBe(0);
    expect(lab.state().phase).toBe('awaitingAck');
    expect(codeOf(await lab.coordinator.acknowledge(rng, decision))).toBe('journalUnwritable');
    expect(codeOf(await lab.coordinator.withdraw(rng, decision))).toBe('journalUnwritable');
    expect(lab.core().notifyEventfd).not.toBeNull();
    await lab.phase('timedOut');
    expect(acks.count).toBe(0);
    expect(lab.rig.clock.now()).toBeGreaterThan(seconds(59));
    await lab.close();
  });

  it.each(['acknowledge', 'withdraw'] as const)('takes no %s at the time-out either', async (onTimeout) => {
    const { disk, files } = fillableDisk();
    const lab = new Lab({ journal: journalOn(files) });
    await lab.arm({ onTimeout });
    const acks = lab.acks();
    await lab.hit();
    await lab.phase('awaitingAck');
    disk.room = 0;
    // The first one that wants to write finds out, and what was handed down is taken back.
    expect(codeOf(await lab.coordinator.quiesce(rng))).toBe('journalUnwritable');
    await lab.phase('timedOut');
    expect(acks.count).toBe(0);
    expect(lab.core().notifyEventfd).not.toBeNull();
    await lab.close();
  });

  it('touches nothing that is hit afterwards, whatever the policy', async () => {
    const { disk, files } = fillableDisk();
    const lab = new Lab({ journal: journalOn(files) });
    await lab.arm({ decision: 'ackWhenQuiesced' });
    const acks = lab.acks();
    disk.room = 0;
    const before = lab.rig.machine.devices.get(rng)?.fn.command;
    expect(codeOf(await lab.coordinator.inject(rng, { kind: 'loopback' }, 'loopback'))).toBe(
      'journalUnwritable',
    );
    await lab.rig.inject({
      address: rng,
      injector: 'simulated',
      fault: { kind: 'aer', error: 'MALF_TLP', severity: null },
    });
    await lab.phase('awaitingAck');
    expect(lab.rig.machine.devices.get(rng)?.fn.command).toBe(before);
    await lab.phase('timedOut');
    expect(acks.count).toBe(0);
    await lab.close();
  });
});

describe('without a journal that takes lines', () => {
  it('every command that would do something is refused, and the device can still be closed', async () => {
    const { disk, files } = fillableDisk();
    const lab = new Lab({ journal: journalOn(files) });
    await lab.arm();
    disk.room = 0;
    const { coordinator } = lab;
    // The first one finds out, the others are told.
    const answers = [
      await coordinator.inject(rng, { kind: 'loopback' }, 'loopback'),
      await coordinator.setPolicy(rng, policyOf()),
      await coordinator.quiesce(rng),
      await coordinator.reset(rng, 'device', decision),
      await coordinator.reinitialise(rng),
      await coordinator.prove(rng),
      await coordinator.disarm(rng),
    ];
    expect(answers.map(codeOf)).toEqual(answers.map(() => 'journalUnwritable'));
    expect(lab.rig.clock.now()).toBeLessThan(seconds(1));
    expect(lab.state().phase).toBe('armed');
    expect(codeOf(await coordinator.close(rng))).toBe('ok');
    expect(codeOf(await coordinator.open(rng))).toBe('journalUnwritable');
    expect(lab.core().isOpen).toBe(false);
    await lab.close();
  });
});
