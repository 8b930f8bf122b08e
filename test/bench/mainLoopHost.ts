import type { InputOf, OutputOf } from '../../preload/contract/commands.ts';
import type { DeltaBatch } from '../../preload/contract/deltas.ts';
import type { CommandName } from '../../preload/contract/names.ts';
import type { ConsoleSnapshot } from '../../preload/contract/views.ts';
import { rigPlaces, scenarioDirectory } from '../../src-main/commands/places.ts';
import type { Fault, InjectorName } from '../../src-main/core/faults/fault.ts';
import { defaultPolicy } from '../../src-main/core/recovery/policy.ts';
import { defaultProfile } from '../../src-main/rigs/simulated/kernel/profile.ts';
import { BenchService } from '../../src-main/service/benchService.ts';
import { watchLoop, type LoopReport } from './loopWatch.ts';

/** What goes to the parent, as Electron's main sends it to a page: copied by the structured clone algorithm. */
export type HostMessage =
  | { readonly kind: 'snapshot'; readonly snapshot: ConsoleSnapshot }
  | { readonly kind: 'deltas'; readonly batch: DeltaBatch }
  | { readonly kind: 'report'; readonly loop: LoopReport; readonly rate: number; readonly faults: number };

/** A process like Electron's main: the service with a big simulated rig in it. Arguments: directory of runs, seconds. */
const [runs = '', duration = '1'] = process.argv.slice(2);
const seconds = Number(duration);

/** Recorded events a second. */
const stormRate = 1_000;
const topology = 'many-100';

const fatal: Fault = { kind: 'aer', error: 'MALF_TLP', severity: 'fatal' };
const correctable: Fault = { kind: 'aer', error: 'RCVR', severity: null };
const loopback: Fault = { kind: 'loopback' };

const send = (message: HostMessage): void => {
  process.send?.(message);
};

const afterMilliseconds = (time: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, time));

const service = new BenchService({
  runs,
  scenarios: scenarioDirectory(),
  places: rigPlaces(process.env),
  now: Date.now,
});
const driver = service.connect({ name: 'Storm', transport: 'browser' });

const ask = async <Name extends CommandName>(name: Name, input: InputOf<Name>): Promise<OutputOf<Name>> => {
  const answer = await driver.execute(name, input);
  if (!answer.ok) throw new Error(`${name}: ${answer.error.message} (${answer.error.code})`);
  return answer.value as OutputOf<Name>;
};

let lines = 0;
/** Devices that no error is on its way to. */
const idle = new Set<string>();

const take = (batch: DeltaBatch): void => {
  for (const delta of batch) {
    if (delta.kind !== 'line') continue;
    lines += 1;
    const { line } = delta;
    if (line.type === 'step' && line.effects.some(({ kind }) => kind === 'conclude')) idle.add(line.device);
  }
};

const inject = async (
  rig: string,
  device: string,
  fault: Fault,
  injector: InjectorName = 'simulated',
): Promise<void> => {
  const { token } = await ask('confirmation', { rig, device, action: 'inject', fault });
  await ask('inject', { rig, device, token, injector, fault });
};

/** Faults of all kinds on all devices, so many that `stormRate` lines a second are recorded. Answers how many. */
const storm = async (rig: string, devices: readonly string[], until: number): Promise<number> => {
  const [recovering, others] = [devices.slice(0, devices.length / 2), devices.slice(devices.length / 2)];
  for (const device of recovering) idle.add(device);
  const injecting = new Set<Promise<void>>();
  const start = (injected: Promise<void>): void => {
    injecting.add(injected);
    void injected.finally(() => injecting.delete(injected));
  };
  const started = performance.now();
  const before = lines;
  let faults = 0;
  while (performance.now() < until) {
    const each = faults < 100 ? 8 : (lines - before) / faults;
    const due = ((performance.now() - started) / 1_000) * stormRate;
    for (; faults * each < due; faults += 1) {
      const other = others[faults % others.length] ?? '';
      const [ready] = idle;
      if (faults % 4 === 0 && ready !== undefined) {
        idle.delete(ready);
        start(inject(rig, ready, fatal));
      } else if (faults % 4 === 1) start(inject(rig, other, loopback, 'loopback'));
      else start(inject(rig, other, correctable));
    }
    await afterMilliseconds(5);
  }
  await Promise.all(injecting);
  while (idle.size < recovering.length) await afterMilliseconds(20);
  return faults;
};

await ask('addRig', { kind: 'simulated', profile: defaultProfile, topology, seed: 1, ackTimeout: null });
driver.onDeltas((batch) => {
  take(batch);
  send({ kind: 'deltas', batch });
});
const snapshot = await ask('snapshot', {});
send({ kind: 'snapshot', snapshot });
const [rig] = snapshot.rigs;
if (rig === undefined) throw new Error('The host has no rig.');
const devices = rig.devices.filter(({ kind }) => kind === 'endpoint').map(({ address }) => address);
const policy = { ...defaultPolicy, decision: 'ackWhenQuiesced' } as const;
await Promise.all(devices.map((device) => ask('arm', { rig: rig.id, device, protocol: 'notify', policy })));
const loop = watchLoop();
const started = performance.now();
const before = lines;
const faults = await storm(rig.id, devices, started + seconds * 1_000);
const rate = (lines - before) / ((performance.now() - started) / 1_000);
const report = loop.stop();
await service.close();
driver.close();
process.send?.({ kind: 'report', loop: report, rate, faults } satisfies HostMessage, () =>
  process.disconnect(),
);
