import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nameOffsetIn } from '../../../src-main/kernel/trace/deviceName.ts';
import { makeInstance, removeInstance, sweepInstances } from '../../../src-main/kernel/trace/instance.ts';
import { findPlaces, watchFunctions } from '../../../src-main/kernel/trace/probes.ts';
import { findTraceFiles } from '../../../src-main/kernel/trace/traceFiles.ts';
import { traceReader, type KernelTraceEvent } from '../../../src-main/kernel/trace/kernelTrace.ts';
import { functionsIn, recordedTrace } from '../../core/kernelTrace/recordedTrace.ts';
import { ScriptedTracefs } from './scriptedTracefs.ts';

const valueOf = <Value>(result: { ok: true; value: Value } | { ok: false; error: unknown }): Value => {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
};

const tracefsWith = (...functions: string[]): ScriptedTracefs => {
  const files = new ScriptedTracefs();
  files.functions.push(...functions);
  return files;
};

describe('the probes of a trace', () => {
  it('are set where a function begins and ends, and fetch the name of the device', async () => {
    const files = tracefsWith(
      'pci_restore_state',
      'pci_restore_state.part.0',
      'slot_reset [vfio_pci_notify]',
    );
    const group = valueOf(await makeInstance(files, 7));
    const watched = valueOf(await watchFunctions(files, group, await findPlaces(files), 208));
    expect(files.probes.map((line) => line.replaceAll(group, 'G').trim())).toEqual([
      'p:G/e0 vfio_pci_notify:slot_reset device=+0(+208($arg1)):string',
      'r64:G/r0 vfio_pci_notify:slot_reset value=$retval:s32',
      'p:G/e1 pci_restore_state device=+0(+208($arg1)):string',
      'r64:G/r1 pci_restore_state',
      'p:G/e2 pci_restore_state.part.0 device=+0(+208($arg1)):string',
      'r64:G/r2 pci_restore_state.part.0',
    ]);
    expect(watched.seen).toEqual(['vfio_pci_notify:slot_reset', 'pci_restore_state']);
    expect(watched.functionOf('r2')).toMatchObject({
      function: { name: 'pci_restore_state' },
      edge: 'leave',
    });
    expect(watched.functionOf('e99')).toBeNull();
    expect(files.written.get(`instances/${group}/events/${group}/enable`)).toBe('1');
  });

  it('fetch nothing from a copy whose arguments the compiler has changed, or where the name is not found', async () => {
    const files = tracefsWith('pci_pm_reset.constprop.0', 'pcie_flr');
    valueOf(await watchFunctions(files, 'g', await findPlaces(files), null));
    expect(files.probes.filter((line) => line.startsWith('p')).map((line) => line.trim())).toEqual([
      'p:g/e0 pcie_flr',
      'p:g/e1 pci_pm_reset.constprop.0',
    ]);
  });

  it('say which functions the kernel has not, and which it lets nobody watch', async () => {
    const files = tracefsWith('pcie_flr', 'pci_save_state');
    files.forbidden.add('pci_save_state');
    const { seen, unseen } = valueOf(await watchFunctions(files, 'g', await findPlaces(files), null));
    expect(seen).toEqual(['pcie_flr']);
    expect(unseen).toContainEqual({ function: 'pci_save_state', because: 'refused' });
    expect(unseen).toContainEqual({ function: 'vfio_bar_restore', because: 'notThere' });
  });

  it('are refused by a kernel that is locked down, in words', async () => {
    const files = tracefsWith('pcie_flr');
    files.refusing.set('kprobe_events', 'EPERM');
    expect(await watchFunctions(files, 'g', await findPlaces(files), null)).toMatchObject({
      ok: false,
      error: { code: 'permissionDenied', message: expect.stringContaining('locked down') },
    });
  });

  it('are calls only, of the functions named and no others, where the kernel has no kprobe events', async () => {
    const files = tracefsWith('pcie_flr', 'slot_reset [vfio_pci_notify]');
    files.hasKprobes = false;
    const watched = valueOf(await watchFunctions(files, 'g', await findPlaces(files), null));
    expect(watched.means).toBe('functions');
    expect(files.written.get('instances/g/current_tracer')).toBe('function');
    expect(watched.functionOf('slot_reset')).toMatchObject({ function: { module: 'vfio_pci_notify' } });

    const none = tracefsWith('unrelated');
    none.hasKprobes = false;
    valueOf(await watchFunctions(none, 'g', await findPlaces(none), null));
    expect(none.written.has('instances/g/current_tracer')).toBe(false);
  });
});

describe('the instance of a trace', () => {
  it('has the monotonic clock, wakes its reader at once, and leaves nothing behind', async () => {
    const files = tracefsWith('pcie_flr');
    files.probes.push('p:somebody/probe pcie_flr\n');
    const group = valueOf(await makeInstance(files, 7));
    expect(files.written.get(`instances/${group}/trace_clock`)).toBe('mono');
    expect(files.written.get(`instances/${group}/buffer_percent`)).toBe('0');
    valueOf(await watchFunctions(files, group, await findPlaces(files), null));
    valueOf(await removeInstance(files, group));
    expect([...files.instances]).toEqual([]);
    expect(files.probes).toEqual(['p:somebody/probe pcie_flr\n']);
  });

  it('goes again when the clock is not to be had', async () => {
    const files = tracefsWith('pcie_flr');
    files.refusing.set('trace_clock', 'EINVAL');
    expect((await makeInstance(files, 7)).ok).toBe(false);
    expect([...files.instances]).toEqual([]);
  });

  it('is swept with its probes when its process is no more, and not while it lives or is read', async () => {
    const files = tracefsWith('pcie_flr');
    const groups: string[] = [];
    for (const process of [11, 12, 13]) {
      const group = valueOf(await makeInstance(files, process));
      valueOf(await watchFunctions(files, group, await findPlaces(files), null));
      groups.push(group);
    }
    const [alive = '', dead = '', read = ''] = groups;
    files.refusing.set(`instances/${read}`, 'EBUSY');
    await sweepInstances(files, (process) => process === 11);
    expect([...files.instances]).toEqual([alive, read]);
    expect(files.probes.some((line) => line.includes(`${dead}/`))).toBe(false);
    expect(files.probes.some((line) => line.includes(`${read}/`))).toBe(true);
  });
});

describe('where the kernel keeps the name of a device', () => {
  const kobject = (task: string, pointer: string, name: string): string =>
    `  ${task}  [000] .....  9.958259: kobject: (pci_read_config+0x0/0x2e0) kobject=${pointer} name="${name}"\n`;
  const start = (task: string, pointer: string): string =>
    `  ${task}  [000] .....  9.958925: function: (pci_config_pm_runtime_get+0x0/0x60) function=${pointer}\n`;

  it('is learned from the read of one config space, whoever else reads', () => {
    const trace =
      kobject('lspci-9', '0xff1885b8c12fe0d0', '0000:00:01.0') +
      kobject('node-7', '0xff1885b8c12fa0d0', '0000:00:00.0') +
      start('lspci-9', '0xff1885b8c12fe000') +
      start('node-7', '0xff1885b8c12fa000');
    expect(nameOffsetIn(trace, '0000:00:00.0')).toBe(0xd0);
  });

  it('is not known when the names do not agree, or the pointers cannot be those', () => {
    expect(
      nameOffsetIn(kobject('n-7', '0x10d0', '(fault)') + start('n-7', '0x1000'), '0000:00:00.0'),
    ).toBeNull();
    const far = kobject('n-7', '0x1000', '0000:00:00.0') + start('n-7', '0xff1885b8c12fa000');
    expect(nameOffsetIn(far, '0000:00:00.0')).toBeNull();
    expect(nameOffsetIn('', '0000:00:00.0')).toBeNull();
  });
});

describe('tracefs', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'rbench-tracefs-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const tree = () => ({ sys: root, proc: root, dev: root, nameFiles: [] });

  it('that is not mounted is said to be so, with what mounts it', async () => {
    expect(await findTraceFiles(tree())).toMatchObject({
      ok: false,
      error: { code: 'notSupported', message: expect.stringContaining('mount -t tracefs') },
    });
  });

  it('loses nobody’s probes when one is added', async () => {
    const folder = join(root, 'kernel/tracing');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'trace_clock'), '[local]\n');
    writeFileSync(join(folder, 'kprobe_events'), 'p:somebody/probe pcie_flr\n');
    const files = valueOf(await findTraceFiles(tree()));
    valueOf(await files.append('kprobe_events', 'p:g/e0 pci_save_state\n'));
    expect(await files.read('kprobe_events')).toEqual({
      ok: true,
      value: 'p:somebody/probe pcie_flr\np:g/e0 pci_save_state\n',
    });
  });
});

describe('the reader of a trace', () => {
  it('tells calls with the times of the kernel, and what was lost', () => {
    const functions = functionsIn(recordedTrace);
    const told: KernelTraceEvent[] = [];
    const read = traceReader(
      {
        functionOf: (event) => {
          const found = functions.get(event.slice(1));
          return found === undefined
            ? null
            : { function: found, edge: event.startsWith('e') ? 'enter' : 'leave' };
        },
      },
      () => 5.7,
      (event) => told.push(event),
    );
    read(recordedTrace.slice(0, 5_000));
    read(recordedTrace.slice(5_000));
    read('CPU:0 [LOST 3 EVENTS]\n');
    expect(told.at(-1)).toEqual({ at: 5, address: null, told: { kind: 'lost', count: 3 } });
    const times = told.slice(0, -1).map(({ at }) => at);
    expect(times).toEqual([...times].sort((one, other) => one - other));
    expect(told[0]).toMatchObject({
      told: { kind: 'call', call: { function: 'pci_dev_wait', within: 'vfio_pci_core_enable' } },
    });
  });
});
