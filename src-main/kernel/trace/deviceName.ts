import { join } from 'node:path';
import { open } from 'node:fs/promises';
import { parseTraceLine } from '../../core/kernelTrace/traceLine.ts';
import { namesIn, type HostTree } from '../sysfs/hostTree.ts';
import type { TraceFiles } from './traceFiles.ts';

/**
 * Where in `struct pci_dev` the kernel keeps the name of the device, which is its address: at `dev.kobj.name`. The name is
 * the first member of a kobject, the kobject that of a `struct device`; only where `dev` lies differs from build to
 * build. It is learned by watching: sysfs reads a config space through `pci_read_config(file, kobj, …)`, which calls
 * `pci_config_pm_runtime_get(pci_dev)` for the same device (drivers/pci/pci-sysfs.c).
 *
 * Null when these functions are not there or call each other no more: then nobody knows which device a call is for.
 */
export const learnNameOffset = async (
  files: TraceFiles,
  tree: HostTree,
  group: string,
): Promise<number | null> => {
  const instance = `instances/${group}`;
  const enable = (value: '0' | '1'): Promise<unknown> =>
    files.write(`${instance}/events/${group}/enable`, value);
  const defined = await files.append(
    'kprobe_events',
    `p:${group}/kobject pci_read_config kobject=$arg2:x64 name=+0(+0($arg2)):string\n` +
      `p:${group}/function pci_config_pm_runtime_get function=$arg1:x64\n`,
  );
  try {
    if (!defined.ok) return null;
    const folder = join(tree.sys, 'bus/pci/devices');
    const [address] = await namesIn(folder);
    if (address === undefined) return null;
    await enable('1');
    await readFirstBytes(join(folder, address, 'config'));
    const trace = await files.read(`${instance}/trace`);
    return trace.ok ? nameOffsetIn(trace.value, address) : null;
  } finally {
    await enable('0');
    await files.append('kprobe_events', `-:${group}/kobject\n-:${group}/function\n`);
    await files.write(`${instance}/trace`, '');
  }
};

const readFirstBytes = async (path: string): Promise<void> => {
  const file = await open(path, 'r').catch(() => null);
  await file?.read(new Uint8Array(4), 0, 4, 0).catch(() => null);
  await file?.close();
};

/** In the two lines that the read of one config space left. */
export const nameOffsetIn = (trace: string, address: string): number | null => {
  let kobject: { readonly at: bigint; readonly task: string } | null = null;
  for (const text of trace.split('\n')) {
    const line = parseTraceLine(text);
    if (line?.kind !== 'probe') continue;
    const pointer = (name: string): bigint | null => {
      const value = line.values.get(name) ?? '';
      return /^0x[0-9a-f]+$/.test(value) ? BigInt(value) : null;
    };
    const at = pointer('kobject');
    if (line.event === 'kobject' && at !== null && line.values.get('name') === address) {
      kobject = { at, task: line.task };
    }
    const start = pointer('function');
    if (line.event === 'function' && start !== null && kobject?.task === line.task) {
      const offset = kobject.at - start;
      // struct pci_dev has some thousand bytes.
      return offset >= 0n && offset < 65_536n ? Number(offset) : null;
    }
  }
  return null;
};
