import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OpeningView } from '../../preload/contract/views.ts';
import { withAgentBundle } from '../rigs/remote/agentBundle.ts';
import { addRig, emptyDirectory, openService, rng, TestViewer } from './desk.ts';
import { essence } from './foldDeltas.ts';

// What takes its time to open, and can fail, be given up and be tried again.

const agent = withAgentBundle();
const command = (): string => `${agent.command} --simulated notify-7.2`;

const addRemote = async (viewer: TestViewer, commandLine: string): Promise<string> => {
  const { token } = await viewer.ask('confirmRig', { commandLine });
  return viewer.ask('addRig', { kind: 'remote', commandLine, token });
};
const added = (viewer: TestViewer, rig: string): Promise<void> =>
  viewer.until('the rig', (delta) => delta.kind === 'rigAdded' && delta.rig.id === rig);
const failed = async (viewer: TestViewer, id: string): Promise<OpeningView | undefined> => {
  const isIt = (opening: OpeningView): boolean => opening.id === id && opening.state === 'failed';
  await viewer.until('the failure', (delta) => delta.kind === 'opening' && isIt(delta.opening));
  return (await viewer.snapshot()).openings.find(isIt);
};
const ended = (viewer: TestViewer, id: string): Promise<void> =>
  viewer.until('the end', (delta) => delta.kind === 'openingEnded' && delta.id === id);
const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('a remote rig', () => {
  it('is answered for at once, told of while it is opened, and recorded', async () => {
    const runs = emptyDirectory();
    const viewer = new TestViewer(openService({ runs }));
    const begun = await viewer.snapshot();
    const rig = await addRemote(viewer, command());
    expect((await viewer.snapshot()).openings).toMatchObject([
      { id: rig, kind: 'remote', state: 'opening', error: null },
    ]);
    await added(viewer, rig);
    await ended(viewer, rig);
    const view = await viewer.rig(rig);
    expect(view).toMatchObject({ link: 'up', trouble: null, pace: 1, rig: { kind: 'remote' } });
    expect(view.devices.map(({ address }) => address)).toContain(rng);
    expect(essence(viewer.shownSince(begun))).toEqual(essence(await viewer.snapshot()));
    await viewer.ask('removeRig', { rig });
    const journal = readFileSync(join(runs, `${view.run}.jsonl`), 'utf8')
      .trimEnd()
      .split('\n');
    expect(JSON.parse(journal.at(-1) ?? '')).toMatchObject({ type: 'end', outcome: 'closed' });
  });

  it('is opened anew as it was, in a run of its own, when it is restarted', async () => {
    const runs = emptyDirectory();
    const viewer = new TestViewer(openService({ runs }));
    const rig = await addRemote(viewer, command());
    await added(viewer, rig);
    const { run } = await viewer.rig(rig);
    const again = await viewer.ask('restartRig', { rig });
    await added(viewer, again);
    expect(again).not.toBe(rig);
    expect((await viewer.snapshot()).rigs.map(({ id }) => id)).toEqual([again]);
    expect((await viewer.rig(again)).run).not.toBe(run);
    expect(await viewer.codeOf('restartRig', { rig })).toBe('unknownRig');
  });

  it('that does not start says why, keeps saying it, and is tried again or dismissed', async () => {
    const viewer = new TestViewer(openService());
    const rig = await addRemote(viewer, 'echo the lab is closed >&2; exit 3');
    const failure = await failed(viewer, rig);
    expect(failure?.error?.message).toMatch(/exit code 3; the lab is closed/);
    expect(failure?.steps).toContain('the lab is closed');
    const again = await viewer.ask('restartRig', { rig });
    await ended(viewer, rig);
    expect((await failed(viewer, again))?.error?.code).toBe(failure?.error?.code);
    await viewer.ask('cancelOpening', { rig: again });
    expect((await viewer.snapshot()).openings).toEqual([]);
    expect(await viewer.codeOf('cancelOpening', { rig: again })).toBe('unknownRig');
  });

  it('that is given up leaves no process, and no rig', async () => {
    const viewer = new TestViewer(openService());
    const rig = await addRemote(viewer, 'echo process $$ >&2; exec sleep 600');
    const pidOf = ({ steps }: OpeningView): number => Number(/^process (\d+)$/.exec(steps[0] ?? '')?.[1]);
    await viewer.until('a step', (delta) => delta.kind === 'opening' && pidOf(delta.opening) > 0);
    const pid = pidOf((await viewer.snapshot()).openings[0] as OpeningView);
    expect(alive(pid)).toBe(true);
    await viewer.ask('cancelOpening', { rig });
    await ended(viewer, rig);
    expect(alive(pid)).toBe(false);
    expect(await viewer.snapshot()).toMatchObject({ rigs: [], openings: [] });
  });

  it('that is being opened when the bench ends leaves no process either', async () => {
    const service = openService();
    const viewer = new TestViewer(service);
    await addRemote(viewer, 'echo process $$ >&2; exec sleep 600');
    const pidOf = ({ steps }: OpeningView): number => Number(/^process (\d+)$/.exec(steps[0] ?? '')?.[1]);
    await viewer.until('a step', (delta) => delta.kind === 'opening' && pidOf(delta.opening) > 0);
    const pid = pidOf((await viewer.snapshot()).openings[0] as OpeningView);
    await service.close();
    expect(alive(pid)).toBe(false);
  });

  it('runs nothing but what its operator has confirmed, as it was typed, and once', async () => {
    const service = openService();
    const viewer = new TestViewer(service);
    const onlooker = new TestViewer(service, { name: 'Grace', transport: 'browser' });
    const trace = join(emptyDirectory(), 'it-ran');
    const commandLine = `touch '${trace}'; exit 1`;
    const refusedWith = (by: TestViewer, line: string, token: string): Promise<string> =>
      by.codeOf('addRig', { kind: 'remote', commandLine: line, token });
    expect(await onlooker.codeOf('confirmRig', { commandLine })).toBe('notOperator');
    expect(await refusedWith(viewer, commandLine, 'made up')).toBe('confirmationInvalid');
    const { token, consequence } = await viewer.ask('confirmRig', { commandLine });
    expect(consequence).toMatch(/rights of the bench/);
    expect(await refusedWith(onlooker, commandLine, token)).toBe('notOperator');
    expect(await refusedWith(viewer, `${commandLine} `.replace('1', '2'), token)).toBe('confirmationInvalid');
    expect(await refusedWith(viewer, `${commandLine}\ntrue`, token)).toBe('malformedInput');
    expect((await viewer.snapshot()).openings).toEqual([]);
    expect(existsSync(trace)).toBe(false);
    expect(await refusedWith(viewer, commandLine, token)).toBe('ok');
    expect(await refusedWith(viewer, commandLine, token)).toBe('confirmationInvalid');
    await viewer.until(
      'the failure',
      (delta) => delta.kind === 'opening' && delta.opening.state === 'failed',
    );
    expect(existsSync(trace)).toBe(true);
  });
});

describe('restarting', () => {
  it('ends the run of a simulated rig and begins another; not while the kernel waits', async () => {
    const viewer = new TestViewer(openService({ runs: emptyDirectory() }));
    const rig = await addRig(viewer);
    const { run } = await viewer.rig(rig);
    await viewer.arm(rig);
    await viewer.inject(rig);
    await viewer.phase(rig, 'awaitingAck');
    expect(await viewer.codeOf('restartRig', { rig })).toBe('waitOpen');
    const token = await viewer.token(rig, 'acknowledge');
    await viewer.ask('acknowledge', { rig, device: rng, token, operator: 'Ada', reason: 'lab demo' });
    await viewer.phase(rig, 'recovered');
    const again = await viewer.ask('restartRig', { rig });
    const { rigs } = await viewer.snapshot();
    expect(rigs.map(({ id }) => id)).toEqual([again]);
    expect(rigs[0]?.run).not.toBe(run);
    expect(rigs[0]?.armed).toEqual([]);
  });

  it('is not for the rig of a scenario', async () => {
    const viewer = new TestViewer(openService());
    const name = 'notify-fatal-acknowledged';
    const rig = await viewer.ask('startScenario', { name, profile: null });
    expect(await viewer.codeOf('restartRig', { rig })).toBe('notSupported');
  });
});

describe('what can be added', () => {
  it('says which guests there are, and what this machine lacks', async () => {
    const viewer = new TestViewer(openService());
    const { virtual, local } = await viewer.ask('rigOffers', {});
    const namesOf = (named: readonly { readonly name: string }[]): readonly string[] =>
      named.map(({ name }) => name);
    expect(namesOf(virtual.x86.topologies)).toEqual(['single', 'twoPorts', 'switch', 'multiFunction']);
    expect(namesOf(virtual.s390x.topologies)).toEqual(['zpci']);
    // The usual kernel comes first; the cache of these tests is empty.
    expect(virtual.x86.kernels[0]).toEqual({ name: 'bookworm', toBuild: true });
    expect(virtual.s390x.kernels[0]).toEqual({ name: 'newest', toBuild: true });
    expect(namesOf(virtual.s390x.kernels)).toEqual(['newest', 'sid', 'trixie', 'bookworm']);
    if (!existsSync('/dev/vfio')) {
      expect(local.refusal).toMatch(/no \/dev\/vfio/);
      expect(await viewer.codeOf('addRig', { kind: 'local' })).toBe('notSupported');
    }
  });

  it.each([
    [{ topology: 'ring' }, 'malformedInput'],
    [{ kernel: '../x' }, 'unknownRig'],
    [{ driver: 'vfio-pci', moduleParameters: { ack_timeout_ms: '5' } }, 'malformedInput'],
    [{ moduleParameters: { 'a b': '5' } }, 'malformedInput'],
    [{ moduleParameters: { ack_timeout_ms: '5 init=/bin/sh' } }, 'malformedInput'],
    [{ machine: 'vax' }, 'malformedInput'],
    // Each machine has topologies of its own, and s390x has no notify driver.
    [{ machine: 's390x', kernel: 'newest', driver: 'vfio-pci' }, 'malformedInput'],
    [{ machine: 's390x', kernel: 'newest', topology: 'zpci' }, 'malformedInput'],
    [{ topology: 'zpci' }, 'malformedInput'],
  ])('refuses the guest %j before anything is begun', async (change, code) => {
    const viewer = new TestViewer(openService());
    const guest = {
      kind: 'virtual',
      machine: 'x86',
      kernel: 'bookworm',
      topology: 'single',
      driver: 'vfio-pci-notify',
      moduleParameters: {},
    };
    expect(await viewer.codeOf('addRig', { ...guest, ...change })).toBe(code);
    expect((await viewer.snapshot()).openings).toEqual([]);
  });
});
