import { statSync } from 'node:fs';
import { benchParts } from '../../src-main/commands/places.ts';
import { imageOf, plainGuestOf } from '../../src-main/commands/virtualRigs.ts';
import type { GuestArchitecture } from '../../src-main/rigs/virtual/guestArchitecture.ts';
import { defaultKernels } from '../../src-main/rigs/virtual/guestArchitecture.ts';
import { guestTopology, topologyNames } from '../../src-main/rigs/virtual/guestTopology.ts';
import { openVirtualRig, type VirtualRig } from '../../src-main/rigs/virtual/virtualRig.ts';
import type { RigImage } from '../../src-main/rigs/virtual/image/imageStore.ts';
import type { BenchRow } from './row.ts';

/** The first boot fills the disk's cache and is left out; the median of the others counts. */
const tries = 3;
/** Errors that the kernel queues for one function. */
const queueLength = 4;

const median = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;

const rounded = (value: number): number => Math.round(value * 10) / 10;

const boot = async (architecture: GuestArchitecture, image: RigImage): Promise<VirtualRig> => {
  const topology = guestTopology(topologyNames[architecture][0]);
  const rig = await openVirtualRig({
    image,
    name: `virtual:${architecture}:${topology.name}`,
    bench: 'bench',
    topology,
    ...plainGuestOf(architecture),
  });
  if (!rig.ok) throw new Error(rig.error.message);
  return rig.value;
};

const imageFor = async (architecture: GuestArchitecture): Promise<RigImage | null> => {
  const image = await imageOf({ architecture, kernel: defaultKernels[architecture] }, process.env);
  if (image.ok) return image.value;
  process.stderr.write(`  The guest of ${architecture} is left out: ${image.error.message}\n`);
  return null;
};

/** From the start of QEMU to what `ready` waits for, in milliseconds. */
const readyAfter = async (
  architecture: GuestArchitecture,
  image: RigImage,
  ready: (rig: VirtualRig) => Promise<unknown>,
): Promise<number> => {
  const times: number[] = [];
  for (let count = 0; count <= tries; count += 1) {
    const begun = performance.now();
    const rig = await boot(architecture, image);
    await ready(rig);
    if (count > 0) times.push(performance.now() - begun);
    await rig.close();
  }
  return median(times);
};

const row = (name: string, value: number, unit: string, limit: number): BenchRow => ({
  name,
  value: rounded(value),
  unit,
  target: `under ${limit.toLocaleString('en')}`,
  ok: value < limit,
});

const x86Rows = async (): Promise<BenchRow[]> => {
  const image = await imageFor('x86');
  if (image === null) return [];
  const took = await readyAfter('x86', image, async (rig) => {
    const devices = await rig.devices();
    if (!devices.ok) throw new Error(devices.error.message);
  });
  return [row('x86 guest: from the start of QEMU to its devices', Math.round(took), 'ms', 8_000)];
};

const must = <Value>(
  result:
    | { readonly ok: true; readonly value: Value }
    | { readonly ok: false; readonly error: { message: string } },
): Value => {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};

/**
 * Four real errors in the kernel's queue, drained and decoded by the agent. What the same call takes on an empty queue is
 * the wire's, and is taken off.
 */
const drainFour = async (rig: VirtualRig): Promise<number> => {
  const [device] = must(await rig.devices());
  if (device === undefined) throw new Error('The guest has no device.');
  const { address } = device;
  const session = must(await rig.open(address));
  const times: number[] = [];
  for (let round = 0; round < tries; round += 1) {
    for (let error = 0; error < queueLength; error += 1) {
      const left = new Promise<void>((resolve) => {
        const stop = rig.onEvent((event) => {
          if (event.kind !== 'kernelLog' || !event.text.includes('Leaving recovery')) return;
          stop();
          resolve();
        });
      });
      must(await rig.inject({ address, injector: 'badDma', fault: { kind: 'zpciDma', where: 'unmapped' } }));
      await left;
      must(await session.reset('device'));
      if (!(await session.reinitialise()).succeeded) throw new Error('The device did not come back.');
    }
    const full = performance.now();
    const records = must(await session.drainErrors());
    const empty = performance.now();
    must(await session.drainErrors());
    times.push(2 * empty - full - performance.now());
    if (records.length !== queueLength)
      throw new Error(`${records.length} records instead of ${queueLength}`);
  }
  await session.close();
  return median(times);
};

const s390xRows = async (): Promise<BenchRow[]> => {
  const parts = benchParts('s390x');
  const image = await imageFor('s390x');
  if (image === null) return [];
  const hello = await readyAfter('s390x', image, async () => undefined);
  const rig = await boot('s390x', image);
  const drained = await drainFour(rig);
  await rig.close();
  return [
    row('s390x guest: from the start of QEMU to the agent’s hello', Math.round(hello), 'ms', 10_000),
    row('s390x guest: four error records drained and decoded', drained, 'ms', 20),
    row('agent in one file, without Node', statSync(parts.agent).size / 1_000, 'kB', 1_000),
  ];
};

/** How soon guests are ready, and what the agent of one is quick enough for. */
export const rigReadyBench = async (): Promise<BenchRow[]> => [...(await x86Rows()), ...(await s390xRows())];
