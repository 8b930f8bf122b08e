import { Coordinator } from '../../src-main/coordinator/coordinator.ts';
import { Recorder } from '../../src-main/coordinator/recorder.ts';
import { imageOf, plainGuestOf } from '../../src-main/commands/virtualRigs.ts';
import type { InjectorName } from '../../src-main/core/faults/fault.ts';
import type { PciAddress } from '../../src-main/core/pci/address.ts';
import { isOutcome } from '../../src-main/core/recovery/phase.ts';
import { defaultPolicy } from '../../src-main/core/recovery/policy.ts';
import type { Result } from '../../src-main/core/result.ts';
import type { Rig } from '../../src-main/rigs/rig.ts';
import { topologies } from '../../src-main/rigs/simulated/hardware/topologies.ts';
import { profiles } from '../../src-main/rigs/simulated/kernel/profile.ts';
import { SimulatedRig } from '../../src-main/rigs/simulated/simulatedRig.ts';
import { guestTopology } from '../../src-main/rigs/virtual/guestTopology.ts';
import { openVirtualRig } from '../../src-main/rigs/virtual/virtualRig.ts';
import { defaultKernel } from '../../src-main/rigs/virtual/virtualRigName.ts';
import type { BenchRow } from './row.ts';

const device = '0000:01:00.0' as PciAddress;
const fault = { kind: 'aer', error: 'MALF_TLP', severity: null } as const;
const decision = { operator: 'bench', reason: 'measuring' };
/** In milliseconds. */
const target = 2;

/** Pairs of recoveries, with snapshots and without; the first ones warm up and do not count. */
const pairs = { guest: 24, simulated: 300 } as const;
const warming = 4;

const valueOf = <Value>(result: Result<Value>): Value => {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
};

/** Keeps snapshots when it is told to, whoever watches. */
class SwitchedRecorder extends Recorder {
  keeping = false;

  override get keepsSnapshots(): boolean {
    return this.keeping;
  }
}

/** What the bench's own parts of one recovery took, in milliseconds, and how many snapshots were among them. */
interface Took {
  readonly own: number;
  readonly snapshots: number;
}

/** Recoveries of one device, one after the other, each acked as soon as the device is quiet. */
class Recoveries {
  readonly #injector: InjectorName;
  readonly #recorder: SwitchedRecorder;
  readonly #coordinator: Coordinator;

  constructor(rig: Rig, injector: InjectorName) {
    this.#injector = injector;
    this.#recorder = new SwitchedRecorder(rig.clock, null);
    this.#coordinator = new Coordinator(rig, this.#recorder);
  }

  async arm(): Promise<void> {
    valueOf(await this.#coordinator.devices());
    valueOf(await this.#coordinator.arm(device, 'notify', defaultPolicy));
  }

  async one(keeping: boolean): Promise<Took> {
    this.#recorder.keeping = keeping;
    const over = this.#timed();
    valueOf(await this.#coordinator.inject(device, fault, this.#injector));
    const took = await over;
    // Calls are answered in their order: the snapshot of the end is behind us, too.
    valueOf((await this.#coordinator.session(device)?.takeBack()) ?? { ok: true, value: undefined });
    return took;
  }

  end(): void {
    this.#coordinator.dispose();
  }

  /** From the signal to the ack, and from event 2 to the proof: the kernel's reset lies between. */
  #timed(): Promise<Took> {
    let own = 0;
    let began: number | null = null;
    let snapshots = 0;
    return new Promise((resolve, reject) => {
      const unwatch = this.#recorder.watch((line) => {
        if (line.type === 'snapshot' && line.view === 'hardware' && began !== null) snapshots += 1;
        if (line.type !== 'step') return;
        const { event, phase } = line;
        if (event.kind === 'signal') began = performance.now();
        if (began !== null && (event.kind === 'quiesceFinished' || event.kind === 'proofFinished')) {
          own += performance.now() - began;
          began = null;
        }
        if (phase === 'awaitingAck' && event.kind === 'quiesceFinished') {
          queueMicrotask(() => void this.#coordinator.acknowledge(device, decision));
        }
        if (!isOutcome(phase)) return;
        unwatch();
        if (phase === 'recovered') resolve({ own, snapshots });
        else reject(new Error(`A recovery ended as ${phase}: ${line.reason}.`));
      });
    });
  }
}

const medianOf = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;

interface Measured {
  /** Milliseconds for one snapshot, both views. */
  readonly each: number;
  readonly snapshots: number;
  readonly without: number;
}

/** With and without in turn, so that what else the machine does falls on both. */
const measure = async (rig: Rig, injector: InjectorName, count: number): Promise<Measured> => {
  const recoveries = new Recoveries(rig, injector);
  await recoveries.arm();
  const costs: number[] = [];
  const plain: number[] = [];
  let snapshots = 0;
  for (let pair = 0; pair < count + warming; pair += 1) {
    const first = await recoveries.one(pair % 2 === 0);
    const second = await recoveries.one(pair % 2 !== 0);
    const [kept, unkept] = pair % 2 === 0 ? [first, second] : [second, first];
    if (kept.snapshots === 0 || unkept.snapshots > 0) throw new Error('The snapshots are not switched.');
    if (pair < warming) continue;
    snapshots = kept.snapshots;
    costs.push((kept.own - unkept.own) / kept.snapshots);
    plain.push(unkept.own);
  }
  recoveries.end();
  await rig.close();
  return { each: medianOf(costs), snapshots, without: medianOf(plain) };
};

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;

const rowOf = (title: string, { each, snapshots, without }: Measured): BenchRow => ({
  name: `${title}: p50 of a snapshot (${snapshots} in a recovery that takes the bench ${rounded(without)} ms without)`,
  value: rounded(each),
  unit: 'ms',
  target: `under ${target}`,
  ok: each < target,
});

const simulatedRig = (): Rig =>
  new SimulatedRig({
    profile: profiles['notify-6.1'],
    topology: topologies.single,
    pace: { kind: 'unbounded' },
    seed: 1,
    wallStart: 0,
  });

/** What keeping the config space costs a recovery, against the same recovery without, in one run. */
export const snapshotCostBench = async (): Promise<BenchRow[]> => {
  const rows = [rowOf('simulated', await measure(simulatedRig(), 'simulated', pairs.simulated))];
  const image = await imageOf({ architecture: 'x86', kernel: defaultKernel }, process.env);
  if (!image.ok) {
    process.stderr.write(`  The guest is left out: ${image.error.message}\n`);
    return rows;
  }
  const guest = await openVirtualRig({
    image: image.value,
    name: 'virtual:x86:single',
    bench: 'bench',
    topology: guestTopology('single'),
    ...plainGuestOf('x86'),
  });
  return [...rows, rowOf('x86 guest', await measure(valueOf(guest), 'qemuMonitor', pairs.guest))];
};
