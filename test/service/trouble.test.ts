import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Coordinator } from '../../src-main/coordinator/coordinator.ts';
import { Recorder } from '../../src-main/coordinator/recorder.ts';
import type { PciAddress } from '../../src-main/core/pci/address.ts';
import { defaultPolicy } from '../../src-main/core/recovery/policy.ts';
import { createJournal } from '../../src-main/journal/writer.ts';
import { topologies } from '../../src-main/rigs/simulated/hardware/topologies.ts';
import { profiles } from '../../src-main/rigs/simulated/kernel/profile.ts';
import { openSimulatedRig } from '../../src-main/rigs/simulated/openSimulatedRig.ts';
import { HeldRig } from '../../src-main/service/heldRig.ts';
import type { DeltaBody } from '../../src-main/service/outbox.ts';
import { failingFiles } from '../journal/failingFiles.ts';
import { header } from '../journal/header.ts';
import { emptyDirectory, fatal, openService, rng, TestViewer } from './desk.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a disk that is full', () => {
  it('is told at once as the trouble of the rig, and nothing is done any more', async () => {
    const { files } = failingFiles({ errno: 'ENOSPC', capacity: 400 });
    const rig = openSimulatedRig({
      profile: profiles['notify-7.2'],
      topology: topologies.single,
      pace: { kind: 'paced', factor: 1 },
      seed: 1,
      wallStart: 0,
      ackTimeout: null,
    });
    const journal = createJournal({ directory: '/', header, at: 0, now: () => 0, files });
    if (!journal.ok) throw new Error(journal.error.message);
    const recorder = new Recorder(rig.clock, journal.value);
    const told: DeltaBody[] = [];
    const held = new HeldRig({
      id: 'one',
      title: 'One',
      rig,
      gone: null,
      pace: 1,
      recorder,
      journal: journal.value,
      head: null,
      coordinator: new Coordinator(rig, recorder),
      play: null,
      publish: (body) => told.push(body),
      waitsMayHaveChanged: () => undefined,
    });
    await held.devices.refresh();
    expect(held.view().trouble).toBeNull();
    for (let count = 0; count < 10; count += 1) {
      recorder.record({
        type: 'kernelLog',
        device: null,
        text: 'a line of some length, as kernels write them',
      });
    }
    expect(told.filter(({ kind }) => kind === 'trouble')).toHaveLength(1);
    expect(held.view().trouble).toContain('the disk is full (ENOSPC)');
    const device = rng as PciAddress;
    const bound = await held.operate(device, 'bind', {}, () => held.rig.bind(device, null));
    expect(bound).toMatchObject({ ok: false, error: { code: 'journalUnwritable' } });
    expect(held.devices.devices.find(({ address }) => address === rng)?.driver).toBe('vfio-pci-notify');
    await held.end('closed');
  });
});

describe('a machine that is gone for good', () => {
  it('is said so, waits for nobody, and leaves a whole journal', async () => {
    const rig = openSimulatedRig({
      profile: profiles['notify-7.2'],
      topology: topologies.single,
      pace: { kind: 'paced', factor: 1 },
      seed: 1,
      wallStart: 0,
      ackTimeout: null,
    });
    let end: (why: string) => void = () => undefined;
    const gone = new Promise<string>((resolve) => (end = resolve));
    const directory = emptyDirectory();
    const journal = createJournal({ directory, header, at: 0, now: () => 0 });
    if (!journal.ok) throw new Error(journal.error.message);
    const recorder = new Recorder(rig.clock, journal.value);
    const told: DeltaBody[] = [];
    const coordinator = new Coordinator(rig, recorder);
    const held = new HeldRig({
      id: 'one',
      title: 'One',
      rig,
      gone,
      pace: 1,
      recorder,
      journal: journal.value,
      head: null,
      coordinator,
      play: null,
      publish: (body) => told.push(body),
      waitsMayHaveChanged: () => held.settleWaits(),
    });
    await held.devices.refresh();
    const device = rng as PciAddress;
    await coordinator.arm(device, 'notify', defaultPolicy);
    await coordinator.inject(device, fatal, 'simulated');
    await vi.waitFor(() => expect(held.waits()).toHaveLength(1));
    end('the guest is gone: QEMU was ended by SIGKILL');
    await vi.waitFor(() => expect(held.link).toBe('gone'));
    expect(held.waits()).toEqual([]);
    expect(held.view()).toMatchObject({
      link: 'gone',
      trouble: 'The guest is gone: QEMU was ended by SIGKILL; restart the rig or remove it.',
    });
    expect(told).toContainEqual({ kind: 'link', rig: 'one', link: 'gone' });
    await held.end('lost');
    const lines = readFileSync(journal.value.path, 'utf8').trimEnd().split('\n');
    const written = lines.map((line) => JSON.parse(line) as { seq: number; type: string });
    expect(written.map(({ seq }) => seq)).toEqual(written.map((_line, index) => index + 1));
    expect(written.at(-1)).toMatchObject({ type: 'end', outcome: 'lost' });
    expect(lines.join()).toContain('QEMU was ended by SIGKILL');
  });
});

describe('a defect of the bench', () => {
  it('is an answer with a code, with its place on stderr, and the next command is served', async () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const clock = { broken: true };
    const service = openService({
      runs: null,
      now: () => {
        if (clock.broken) throw new Error('the clock fell off the wall');
        return 0;
      },
    });
    const viewer = new TestViewer(service);
    const wanted = {
      kind: 'simulated' as const,
      profile: 'notify-7.2',
      topology: 'single',
      seed: 1,
      ackTimeout: null,
    };
    const answer = await viewer.execute('addRig', wanted);
    expect(answer).toMatchObject({ ok: false, error: { code: 'benchDefect' } });
    expect(stderr.mock.calls.join()).toContain(
      'the command addRig broke off: Error: the clock fell off the wall',
    );
    clock.broken = false;
    await viewer.ask('addRig', wanted);
    expect((await viewer.snapshot()).rigs).toHaveLength(1);
  });
});
