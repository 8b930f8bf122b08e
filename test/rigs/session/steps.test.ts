import { describe, expect, it } from 'vitest';
import { wordAt } from '../../../src-main/core/pci/bytes.ts';
import { milliseconds, seconds } from '../../../src-main/core/recovery/phase.ts';
import { done, success } from '../../../src-main/core/result.ts';
import { encodeCcdf } from '../../../src-main/core/zpci/ccdf.ts';
import { drainZpciErrors, inspectAer } from '../../../src-main/rigs/session/inspect.ts';
import { prove } from '../../../src-main/rigs/session/prove.ts';
import { quiesce } from '../../../src-main/rigs/session/quiesce.ts';
import { failureOf, reinitialise } from '../../../src-main/rigs/session/reinitialise.ts';
import { valueOf } from '../simulated/bench.ts';
import type { ConfigReading, StepReader } from '../../../src-main/rigs/rig.ts';
import type { VfioDevice } from '../../../src-main/rigs/session/vfioDevice.ts';
import { viewReader } from '../../../src-main/rigs/session/bothViews.ts';
import { altered, eagain, eio, openPort } from './port.ts';
import type { Port } from './port.ts';

const record = (eventCode: number): Uint8Array =>
  encodeCcdf({
    functionHandle: 0x8002_0000,
    functionId: 0x56,
    expectedTableType: 0,
    msiVectorNumber: 0,
    dmaAddressSpace: 0,
    eventQualifier: 0,
    readWrite: 1,
    failingAddress: 0x3000_0000n,
    eventCode,
  });

describe('inspecting the AER registers', () => {
  const inspectionOf = async (
    port: Port,
    registers: Partial<Record<'status' | 'severity' | 'correctable' | 'control' | 'deviceStatus', number>>,
  ) => {
    const at: Readonly<Record<number, number>> = {
      [port.map.aer + 0x04]: registers.status ?? 0,
      [port.map.aer + 0x0c]: registers.severity ?? 0,
      [port.map.aer + 0x10]: registers.correctable ?? 0,
      [port.map.aer + 0x18]: registers.control ?? 0,
      [port.map.express + 0x0a]: registers.deviceStatus ?? 0,
    };
    const { device } = altered(port.vfio, { readConfig: async (offset) => success(at[offset] ?? 0) });
    return valueOf(await inspectAer(device, port.map));
  };

  it('takes the worst severity of all that is set, and marks the first error', async () => {
    const port = await openPort();
    const inspection = await inspectionOf(port, {
      status: (1 << 14) | (1 << 18),
      severity: 1 << 18,
      correctable: 1 << 6,
      control: 14,
    });
    expect(inspection.severity).toBe('fatal');
    expect(inspection.errors).toEqual([
      { source: 'aer', name: 'COMP_TIME', severity: 'nonFatal', bit: 14, first: true },
      { source: 'aer', name: 'MALF_TLP', severity: 'fatal', bit: 18, first: false },
      { source: 'aer', name: 'BAD_TLP', severity: 'correctable', bit: 6, first: false },
    ]);
  });

  it.each([
    ['nothing is set', {}, 'unknown', 0],
    ['only a correctable error', { correctable: 1 }, 'correctable', 1],
    ['all ones, which is no answer', { status: 0xffff_ffff }, 'unknown', 0],
  ] as const)('%s', async (_, registers, severity, count) => {
    const inspection = await inspectionOf(await openPort(), registers);
    expect(inspection).toMatchObject({ severity });
    expect(inspection.errors).toHaveLength(count);
  });

  it('goes by Device Status where a fatal bit of an earlier error still stands (observation 5)', async () => {
    const stale = { status: (1 << 14) | (1 << 18), severity: 1 << 18 };
    const port = await openPort();
    expect((await inspectionOf(port, { ...stale, deviceStatus: 0x2 })).severity).toBe('nonFatal');
    expect((await inspectionOf(port, { ...stale, deviceStatus: 0x6 })).severity).toBe('fatal');
    // A Device Status that contradicts the AER registers is no ground to play an error down.
    expect(
      (await inspectionOf(port, { status: 1 << 18, severity: 1 << 18, deviceStatus: 0x2 })).severity,
    ).toBe('fatal');
  });

  it('says "unknown" of a device without the capability, and reads nothing', async () => {
    const port = await openPort('notify-7.2', '0000:04:00.0', 'lab');
    const { device, calls } = altered(port.vfio);
    expect(port.map.aer).toBe(0);
    expect(valueOf(await inspectAer(device, port.map))).toEqual({ severity: 'unknown', errors: [] });
    expect(calls).toEqual([]);
  });

  it('hands a refused read on', async () => {
    const port = await openPort();
    const { device } = altered(port.vfio, { readConfig: async () => eio });
    expect(await inspectAer(device, port.map)).toEqual(eio);
  });
});

describe('draining feature 13', () => {
  const drained = async (
    answers: readonly (Uint8Array | null | typeof eio)[],
    changes: Partial<VfioDevice> = {},
  ) => {
    const { vfio } = await openPort('zpci-7.3', '1234:00:00.0', 'zpci');
    const left = [...answers];
    const { device, calls } = altered(vfio, {
      ...changes,
      takeZpciError: async () => {
        const answer = left.length > 1 ? left.shift() : left[0];
        if (answer === null || answer instanceof Uint8Array) return success(answer);
        return answer ?? success(null);
      },
    });
    return { result: await drainZpciErrors(device), calls };
  };

  it('goes on until ENOMSG, oldest first', async () => {
    const { result, calls } = await drained([record(4), record(2), null]);
    expect(valueOf(result)).toEqual([
      {
        source: 'ccdf',
        pec: 4,
        pecName: 'TPROTE',
        fid: 0x56,
        functionHandle: 0x8002_0000,
        failingAddress: '0x30000000',
        raw: '0000000080020000000000560000000100000000300000000000000000000004',
        aperture: { start: '0x100000000', end: '0x1ffffffffff' },
        handleNow: 0x8002_0000,
      },
      expect.objectContaining({ pec: 2, pecName: 'OORANGE' }),
    ]);
    expect(calls.filter((call) => call === 'takeZpciError')).toHaveLength(3);
  });

  it('says what handle the function has now: with another one the record is of a former life of it', async () => {
    const aperture = { start: 0n, end: 0xffn };
    const { result } = await drained([record(4), null], {
      readZpciBase: async () => success({ aperture, functionHandle: 0x8003_0000 }),
    });
    expect(valueOf(result)).toMatchObject([
      { functionHandle: 0x8002_0000, handleNow: 0x8003_0000, aperture: { start: '0x0', end: '0xff' } },
    ]);
  });

  it('tells the records alone when the kernel does not answer for the function, and asks for nothing without any', async () => {
    const { result } = await drained([record(4), null], { readZpciBase: async () => eio });
    expect(valueOf(result)).toMatchObject([{ pec: 4, raw: expect.any(String) }]);
    expect(valueOf(result)[0]).not.toHaveProperty('aperture');
    expect((await drained([null])).calls).toEqual(['takeZpciError']);
  });

  it('names a code that has no name by its number', async () => {
    const { result } = await drained([record(0x77), null]);
    expect(valueOf(result)).toMatchObject([{ pec: 0x77, pecName: '0x77' }]);
  });

  it('tells what was taken even when a later call fails, and the failure when nothing was', async () => {
    expect(valueOf((await drained([record(4), eio])).result)).toHaveLength(1);
    expect((await drained([eio])).result).toEqual(eio);
  });

  it('refuses a record that is too short', async () => {
    const { result } = await drained([record(4).slice(0, 31), null]);
    expect(result).toMatchObject({ ok: false, error: { code: 'malformedStruct' } });
  });

  it('ends with a kernel that never says ENOMSG', async () => {
    const { result, calls } = await drained([record(4)]);
    expect(valueOf(result)).toHaveLength(64);
    expect(calls.filter((call) => call === 'takeZpciError')).toHaveLength(64);
  });
});

describe('quiescing', () => {
  it('unmaps, stops bus master and MSI-X, and looks for pending transactions, in this order', async () => {
    const port = await openPort();
    const { device, calls } = altered(port.vfio);
    const report = await quiesce(device, port.map, 'reachable');
    expect(report).toEqual({
      succeeded: true,
      actions: [
        { action: 'touchingStopped', result: 'done' },
        { action: 'barsUnmapped', result: 'done' },
        { action: 'busMasterOff', result: 'done' },
        { action: 'msixOff', result: 'done' },
        { action: 'transactionsDrained', result: 'done' },
      ],
      did: [
        { kind: 'write', offset: 4, width: 2, value: port.fn.command },
        { kind: 'msix', change: 'disabled' },
      ],
    });
    expect(calls.map((call) => call.split(' ')[0])).toEqual([
      'unmapBars',
      'readConfig',
      'writeConfig',
      'disableMsix',
      'readConfig',
    ]);
    expect(port.fn.command & 0x6).toBe(0x2);
    expect(port.fn.raiseMsix(0)).toMatchObject({ kind: 'blocked' });
  });

  it('twice has nothing left to stop', async () => {
    const port = await openPort();
    await quiesce(port.vfio, port.map, 'reachable');
    const report = await quiesce(port.vfio, port.map, 'reachable');
    expect(report.succeeded).toBe(true);
    expect(report.actions).toContainEqual({ action: 'busMasterOff', result: 'notNeeded' });
  });

  it('unmaps every mapping of the device', async () => {
    const port = await openPort();
    valueOf(await port.vfio.mapBar(1));
    valueOf(await port.vfio.mapBar(4));
    expect(port.core.mappings).toBe(2);
    await quiesce(port.vfio, port.map, 'reachable');
    expect(port.core.mappings).toBe(0);
  });

  it.each([
    ['reachable', false],
    ['cutOffByPlatform', true],
  ] as const)('with transactions pending, of a device that is %s: %s', async (cutOff, succeeded) => {
    const port = await openPort();
    const status = port.map.express + 0x0a;
    const { device } = altered(port.vfio, {
      readConfig: async (offset, width) =>
        offset === status ? success(0x20) : port.vfio.readConfig(offset, width),
    });
    const report = await quiesce(device, port.map, cutOff);
    expect(report.succeeded).toBe(succeeded);
    expect(report.actions.at(-1)).toMatchObject({
      action: 'transactionsDrained',
      result: 'failed',
      error: { code: 'busy' },
    });
  });

  it('takes a Device Status of all ones for no answer, not for pending transactions', async () => {
    const port = await openPort();
    const { device } = altered(port.vfio, { readConfig: async () => success(0xffff) });
    const report = await quiesce(device, port.map, 'reachable');
    expect(report.actions.at(-1)).toEqual({ action: 'transactionsDrained', result: 'done' });
  });

  it('goes on after an action that failed, and tells its errno', async () => {
    const port = await openPort();
    const { device, calls } = altered(port.vfio, { writeConfig: async () => eio });
    const report = await quiesce(device, port.map, 'reachable');
    expect(report.succeeded).toBe(false);
    expect(report.actions[2]).toEqual({ action: 'busMasterOff', result: 'failed', error: eio.error });
    expect(calls).toContain('disableMsix');
  });
});

describe('reinitialising', () => {
  const run = (port: Port, device: VfioDevice = port.vfio, reader?: StepReader) =>
    reinitialise({
      device,
      driver: port.driver,
      map: port.map,
      clock: port.bench.rig.clock,
      platform: 'aer',
      after: 'recovery',
      opened: 0x0103,
      told: reader && { reader, read: viewReader(device, port.bench.rig.clock, port.session.opening) },
    });

  it('keeps the one order that works on every kernel', async () => {
    const port = await openPort();
    const { device, calls } = altered(port.vfio);
    expect((await run(port, device)).succeeded).toBe(true);
    const control = port.map.express + 8;
    expect(calls.filter((call) => !call.startsWith('readConfig'))).toEqual([
      expect.stringMatching(/^writeConfig 4 2 /),
      'reset',
      expect.stringMatching(/^writeConfig 4 2 /),
      expect.stringMatching(new RegExp(`^writeConfig ${control} 2 `)),
      'disableMsix',
      'enableMsix',
    ]);
    expect(port.fn.command & 0x106).toBe(0x106);
  });

  it('tries a reset again while the kernel holds the lock, 5 ms later', async () => {
    const port = await openPort();
    let refusals = 3;
    const { device, calls } = altered(port.vfio, {
      reset: async () => (refusals-- > 0 ? eagain : done),
    });
    const started = port.bench.now;
    expect((await run(port, device)).succeeded).toBe(true);
    expect(calls.filter((call) => call === 'reset')).toHaveLength(4);
    expect(port.bench.now - started).toBe(milliseconds(15));
  });

  it('gives up after 2 s of EAGAIN, and ends there', async () => {
    const port = await openPort();
    const { device, calls } = altered(port.vfio, { reset: async () => eagain });
    const started = port.bench.now;
    const report = await run(port, device);
    expect(port.bench.now - started).toBe(seconds(2));
    expect(report.succeeded).toBe(false);
    expect(report.steps.map(({ step }) => step)).toEqual(['COMMAND', 'DEVICE_RESET']);
    expect(failureOf(report)).toEqual(eagain.error);
    expect(calls).not.toContain('enableMsix');
  });

  it('goes on without a reset where the device has none', async () => {
    const port = await openPort('stock-7.2', '0000:07:00.0', 'lab');
    const report = await run(port);
    expect(report.succeeded).toBe(true);
    expect(report.steps[1]).toMatchObject({ step: 'DEVICE_RESET', result: 'notNeeded' });
    expect((await port.session.prove()).verdict).toBe('proven');
    expect(failureOf(report)).toBeNull();
  });

  it.each(['readConfig', 'writeConfig', 'disableMsix', 'enableMsix'] as const)(
    'ends at the first step that fails: %s',
    async (call) => {
      const port = await openPort();
      const { device } = altered(port.vfio, { [call]: async () => eio });
      const report = await run(port, device);
      expect(report.succeeded).toBe(false);
      expect(report.steps.filter(({ result }) => result === 'failed')).toHaveLength(1);
      expect(report.steps.at(-1)).toMatchObject({ result: 'failed', error: eio.error });
    },
  );

  it('says of each step what it did', async () => {
    const port = await openPort();
    const { steps } = await run(port);
    const command = expect.objectContaining({ kind: 'write', offset: 4, width: 2 }) as unknown;
    const control = port.map.express + 8;
    expect(steps.map(({ step, did }) => [step, did])).toEqual([
      ['COMMAND', [command]],
      ['DEVICE_RESET', [{ kind: 'deviceReset' }]],
      ['COMMAND again', [command]],
      ['DevCtl', [expect.objectContaining({ kind: 'write', offset: control }) as unknown]],
      ['DMA mapping', undefined],
      [
        'MSI-X',
        [
          { kind: 'msix', change: 'disabled' },
          { kind: 'msix', change: 'enabled' },
        ],
      ],
      ['engine', undefined],
    ]);
  });

  it('reads both views after each step that did something, before the next one', async () => {
    const port = await openPort();
    const control = port.map.express + 8;
    port.fn.writeConfig(control, 2, 0);
    const { device, calls } = altered(port.vfio);
    const readings = new Map<string, ConfigReading>();
    const before = port.bench.now;
    expect((await run(port, device, (step, reading) => readings.set(step, reading))).succeeded).toBe(true);
    expect([...readings.keys()]).toEqual([
      'COMMAND',
      'DEVICE_RESET',
      'COMMAND again',
      'DevCtl',
      'MSI-X',
      'engine',
    ]);
    const controlAfter = (step: string): number =>
      wordAt(valueOf(readings.get(step)?.hardware ?? eio), control);
    expect(controlAfter('COMMAND again') & 0xf).toBe(0);
    expect(controlAfter('DevCtl') & 0xf).toBe(0xf);
    for (const { at, vfio, hardware } of readings.values()) {
      expect(at).toBeGreaterThanOrEqual(before);
      expect(valueOf(vfio).length).toBe(valueOf(hardware).length);
    }
    const reads = calls.flatMap((call, index) => (call.startsWith('readConfigSpace') ? [index] : []));
    expect(reads.length).toBe(readings.size);
    expect(calls.indexOf('reset')).toBeGreaterThan(reads[0] ?? Infinity);
    expect(calls.indexOf('reset')).toBeLessThan(reads[1] ?? -1);
  });

  it('does the same to the device whether somebody reads or not', async () => {
    const [read, unread] = [await openPort(), await openPort()];
    const report = await run(read, read.vfio, () => undefined);
    expect(await run(unread)).toEqual(report);
    expect(read.fn.snapshot()).toEqual(unread.fn.snapshot());
    expect(read.bench.now).toBe(unread.bench.now);
  });

  it('reads after the step that fails, and goes on when a view cannot be read', async () => {
    const port = await openPort();
    const { device } = altered(port.vfio, {
      reset: async () => eio,
      readHardwareConfigSpace: async () => eio,
    });
    const readings = new Map<string, ConfigReading>();
    const report = await run(port, device, (step, reading) => readings.set(step, reading));
    expect(report.steps.at(-1)).toMatchObject({ step: 'DEVICE_RESET', result: 'failed' });
    expect([...readings.keys()]).toEqual(['COMMAND', 'DEVICE_RESET']);
    expect([...readings.values()].every(({ vfio, hardware }) => vfio.ok && hardware === eio)).toBe(true);
  });

  it('without a driver for the device says so', async () => {
    const port = await openPort();
    const report = await run({ ...port, driver: null });
    expect(report.steps.at(-1)).toMatchObject({ step: 'engine', result: 'notNeeded' });
  });
});

describe('proving', () => {
  const verdictOf = async (
    port: Port,
    spoil: (hardware: Uint8Array) => void,
    platform: 'aer' | 'zpci' = 'aer',
  ) => {
    const reference = valueOf(await port.vfio.readHardwareConfigSpace());
    const hardware = reference.slice();
    spoil(hardware);
    const { device } = altered(port.vfio, { readHardwareConfigSpace: async () => success(hardware) });
    return prove(device, port.driver, port.map, reference, platform);
  };

  it.each<[string, (bytes: Uint8Array, port: Port) => void]>([
    ['does not answer', (bytes) => bytes.fill(0xff)],
    ['Memory off', (bytes) => (bytes[4] = 0x04)],
    ['BusMaster off', (bytes) => (bytes[4] = 0x02)],
    ['BAR 4 is not', (bytes) => (bytes[0x23] = 0x77)],
    ['DevCtl is 0', (bytes, { map }) => (bytes[map.express + 8] = 0)],
    ['SERR off', (bytes) => (bytes[5] = 0)],
    ['MSI-X is off', (bytes, { map }) => (bytes[map.msix + 3] = 0)],
  ])('fails with "%s"', async (text, spoil) => {
    const port = await openPort();
    const report = await verdictOf(port, (bytes) => spoil(bytes, port));
    expect(report.verdict).toBe('failed');
    expect(report.checks[0]).toMatchObject({ check: 'registers', result: 'failed' });
    expect(report.checks[0]?.detail).toContain(text);
  });

  it('needs no SERR and no DevCtl on s390x', async () => {
    const port = await openPort('zpci-7.3', '1234:00:00.0', 'zpci');
    const report = await verdictOf(
      port,
      (bytes) => {
        bytes[5] = 0;
        bytes[port.map.express + 8] = 0;
      },
      'zpci',
    );
    expect(report.verdict).toBe('proven');
  });

  it('fails when the hardware cannot be read, and still tries DMA and MSI-X', async () => {
    const port = await openPort();
    const reference = valueOf(await port.vfio.readHardwareConfigSpace());
    const { device } = altered(port.vfio, { readHardwareConfigSpace: async () => eio });
    const report = await prove(device, port.driver, port.map, reference, 'aer');
    expect(report.verdict).toBe('failed');
    expect(report.checks.map(({ check, result }) => `${check} ${result}`)).toEqual([
      'registers failed',
      'dma passed',
      'msix passed',
    ]);
  });

  it('without a driver is "not proven", never "proven"', async () => {
    const port = await openPort();
    const report = await verdictOf({ ...port, driver: null }, () => undefined);
    expect(report.verdict).toBe('notProven');
    expect(report.checks.map(({ result }) => result)).toEqual(['passed', 'notTried', 'notTried']);
  });

  it('without a driver still sees a device that had lost its BARs before it was opened', async () => {
    const port = await openPort();
    const dead = valueOf(await port.vfio.readHardwareConfigSpace()).fill(0, 0x10, 0x28);
    const { device } = altered(port.vfio, { readHardwareConfigSpace: async () => success(dead) });
    const report = await prove(device, null, port.map, dead, 'aer');
    expect(report.verdict).toBe('failed');
    expect(report.checks[0]?.detail).toContain('All BARs are 0');
  });
});
