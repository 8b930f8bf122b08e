import { valueAt } from '../../src-main/core/pci/bytes.ts';
import { decodeConfigSpace } from '../../src-main/core/pci/decode.ts';
import { auditRestore } from '../../src-main/core/restore/audit.ts';
import { templates } from '../../src-main/rigs/simulated/hardware/templates.ts';
import { ModelDevice } from '../../src-main/rigs/simulated/modelDevice.ts';
import { recoveryActions } from '../../src-main/rigs/simulated/whatIf.ts';
import type { BenchRow } from './row.ts';

const rounds = 300;
const warmUp = 60;
const snapshots = 12;

const median = (work: () => number): number => {
  const times: number[] = [];
  let sum = 0;
  for (let round = 0; round < warmUp + rounds; round += 1) {
    const started = performance.now();
    sum += work();
    if (round >= warmUp) times.push(performance.now() - started);
  }
  // What is computed is used, or the work could be left out.
  if (!Number.isFinite(sum)) throw new Error('Nothing was computed.');
  return times.sort((one, other) => one - other)[rounds / 2] ?? Number.NaN;
};

/** A recovery of the device with every capability, in 4 KiB, with twelve snapshots of the hardware. */
const history = () => {
  const template = templates.acceleratorWithEverything;
  const device = new ModelDevice(template, '7.3', 'nothing');
  device.play(recoveryActions(template));
  const kept = (): number => device.events.filter(({ kind }) => kind === 'reading').length;
  while (kept() < snapshots) device.play([{ kind: 'read', moment: `later ${kept()}`, views: 'hardware' }]);
  return device.history();
};

/** The audit against its twin, which decodes the same twelve spaces and compares nothing. */
export const auditBench = async (): Promise<BenchRow[]> => {
  const subject = history();
  const configs = subject.events.flatMap((event) =>
    event.kind === 'reading' && event.config !== null ? [event.config] : [],
  );
  if (configs.length !== snapshots || configs[0]?.length !== 4_096) {
    throw new Error(`${configs.length} snapshots, not ${snapshots} of 4 KiB.`);
  }
  const milliseconds = median(() => auditRestore(subject).registers.length);
  const twin = median(() =>
    configs.reduce(
      (sum, config) => sum + decodeConfigSpace(config).capabilities.length + valueAt(config, 4, 2),
      0,
    ),
  );
  const ratio = milliseconds / twin;
  return [
    {
      name: 'restore audit: 4 KiB, 12 snapshots, median',
      value: Math.round(milliseconds * 1_000) / 1_000,
      unit: 'ms',
      target: 'under 5',
      ok: milliseconds < 5,
    },
    {
      name: 'restore audit: the same against decoding the 12 snapshots',
      value: Math.round(ratio * 10) / 10,
      unit: 'times',
      target: 'under 25',
      ok: ratio < 25,
    },
  ];
};
