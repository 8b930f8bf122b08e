import type { Bridge } from '../../preload/contract/bridge.ts';
import type { ConsoleDelta, DeltaBatch } from '../../preload/contract/deltas.ts';
import { commandNames, type CommandName } from '../../preload/contract/names.ts';
import type { ConsoleSnapshot, DeviceView, RigView } from '../../preload/contract/views.ts';
import type { JournalBody, JournalLine } from '../../src-main/core/journal/line.ts';
import { defaultPolicy, type Arming } from '../../src-main/core/recovery/policy.ts';
import { done, success, type Result } from '../../src-main/core/result.ts';
import type { Link, LinkState } from '../../src-renderer/bridge/link.ts';

export const notifyArming: Arming = {
  protocol: 'notify',
  policy: defaultPolicy,
  ackTimeout: 60_000_000,
  uevents: 'observable',
  sharers: 0,
};

export const deviceView = (address: string, rest: Partial<DeviceView> = {}): DeviceView => ({
  address,
  name: `Device ${address}`,
  kind: 'endpoint',
  className: 'Network controller',
  vendorId: 0x1af4,
  deviceId: 0x1044,
  parent: null,
  driver: 'vfio-pci-notify',
  iommuGroup: 7,
  protocols: ['notify', 'legacy'],
  aerCounters: { correctable: 0, nonFatal: 0, fatal: 0 },
  ...rest,
});

/** A function as a list of an s390x rig has it. */
export const zpciView = (uid: number, fid: number, rest: Partial<DeviceView> = {}): DeviceView =>
  deviceView(`${uid.toString(16).padStart(4, '0')}:00:00.0`, {
    driver: 'vfio-pci',
    protocols: ['mediated'],
    aerCounters: null,
    zpci: {
      uid,
      fid,
      functionHandle: 0x8002_0000,
      pchid: 0x100,
      pfgid: 2,
      pft: 0xb,
      vfn: 1,
      utilityString: 'RB 1',
      uidIsUnique: true,
    },
    ...rest,
  });

export const rigView = (id: string, rest: Partial<RigView> = {}): RigView => ({
  id,
  rig: {
    kind: 'simulated',
    name: `simulated:${id}`,
    title: `Rig ${id}`,
    kernel: '7.2.13',
    architecture: 'x86_64',
  },
  trouble: null,
  open: [],
  link: 'up',
  devices: [deviceView('0000:01:00.0')],
  armed: [],
  now: 1_000_000,
  pace: 1,
  run: 'run-1',
  recent: [],
  firstSeq: 1,
  scenario: null,
  ...rest,
});

export const snapshotOf = (rest: Partial<ConsoleSnapshot> = {}): ConsoleSnapshot => ({
  number: 0,
  rigs: [rigView('one')],
  openings: [],
  operator: { you: 'me', holder: 'me', asking: null, viewers: ['me'] },
  profiles: [{ name: 'notify-7.2', title: 'Linux 7.2 with vfio-pci-notify', topology: 'lab' }],
  topologies: ['lab', 'large'],
  kernelWatched: true,
  bench: '0.1.0',
  ...rest,
});

export const lineOf = (seq: number, body: JournalBody, at = seq * 1_000): JournalLine =>
  ({ seq, at, wall: new Date(Date.UTC(2026, 10, 21) + at / 1_000).toISOString(), ...body }) as JournalLine;

export const noteLine = (seq: number, text = `note ${seq}`, device: string | null = null): JournalLine =>
  lineOf(seq, { type: 'kernelLog', device, text });

/** The other side of the process boundary: it answers as the test says and pushes what the test pushes. */
export interface FakeLink extends Link {
  readonly calls: { readonly command: CommandName; readonly input: unknown }[];
  answer(command: CommandName, answer: (input: never) => Result<unknown> | Promise<Result<unknown>>): void;
  push(...deltas: ConsoleDelta[]): void;
  become(state: LinkState): void;
}

export const fakeLink = (snapshot: () => ConsoleSnapshot = snapshotOf): FakeLink => {
  const answers = new Map<CommandName, (input: never) => Result<unknown> | Promise<Result<unknown>>>([
    ['snapshot', () => success(snapshot())],
  ]);
  const calls: { command: CommandName; input: unknown }[] = [];
  const deltaListeners = new Set<(batch: DeltaBatch) => void>();
  const stateListeners = new Set<(state: LinkState) => void>();
  let state: LinkState = 'open';
  const functions = commandNames.map((command) => [
    command,
    async (input: unknown) => {
      calls.push({ command, input });
      return (await answers.get(command)?.(input as never)) ?? done;
    },
  ]);
  const bridge = {
    ...Object.fromEntries(functions),
    onDeltas: (listener: (batch: DeltaBatch) => void) => {
      deltaListeners.add(listener);
      return () => deltaListeners.delete(listener);
    },
  } as Bridge;
  return {
    bridge,
    calls,
    state: () => state,
    onState: (listener) => {
      stateListeners.add(listener);
      return () => stateListeners.delete(listener);
    },
    close: () => undefined,
    answer: (command, answer) => void answers.set(command, answer),
    push: (...deltas) => {
      for (const listener of deltaListeners) listener(deltas);
    },
    become: (next) => {
      state = next;
      for (const listener of stateListeners) listener(next);
    },
  };
};
