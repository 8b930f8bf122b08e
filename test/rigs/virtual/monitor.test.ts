import { describe, expect, it } from 'vitest';
import { injectByMonitor } from '../../../src-main/rigs/virtual/monitorInjector.ts';
import type { FaultWitness } from '../../../src-main/rigs/faultWitness.ts';
import type { FaultRequest } from '../../../src-main/core/faults/fault.ts';
import { parsePciAddress } from '../../../src-main/core/pci/address.ts';
import { success } from '../../../src-main/core/result.ts';
import { qemu } from './scriptedMonitor.ts';

describe('QEMU’s monitor', () => {
  it('negotiates before anything else, and gives each command its own answer', async () => {
    const { monitor, told } = qemu(({ arguments: { 'command-line': line } }) => ({
      return: `${line} done\r\n`,
    }));
    const answers = await Promise.all([monitor.human('one'), monitor.human('two')]);
    expect(answers).toEqual([success('one done'), success('two done')]);
    expect(told.map(({ execute }) => execute)).toEqual([
      'qmp_capabilities',
      'human-monitor-command',
      'human-monitor-command',
    ]);
  });

  it('a refusal is QEMU’s own sentence', async () => {
    const { monitor } = qemu(() => ({ error: { class: 'GenericError', desc: 'Device is not there' } }));
    expect(await monitor.execute('device_del')).toMatchObject({
      ok: false,
      error: { code: 'kernelRefused', message: expect.stringContaining('Device is not there') as string },
    });
  });

  it('tells events, also one that comes in two pieces, and lives with what is no message', async () => {
    const { monitor, far } = qemu(() => null);
    const heard = new Promise((resolve) => monitor.onEvent(resolve));
    far.write('not json\n{"event": "VSERPORT_CH');
    far.write('ANGE", "data": {"id": "agentPort", "open": true}, "timestamp": {}}\n');
    expect(await heard).toEqual({ event: 'VSERPORT_CHANGE', data: { id: 'agentPort', open: true } });
  });

  it('who waits is told when QEMU is gone, and so is who comes later', async () => {
    const { monitor, far } = qemu(() => null);
    const waiting = monitor.human('info pci');
    far.destroy();
    expect(await waiting).toMatchObject({ ok: false, error: { code: 'linkLost' } });
    expect(await monitor.human('info pci')).toMatchObject({ ok: false, error: { code: 'linkLost' } });
  });
});

const parsed = parsePciAddress('0000:01:00.0');
if (!parsed.ok) throw new Error(parsed.error.message);
const request = (error: string): FaultRequest => ({
  address: parsed.value,
  injector: 'qemuMonitor',
  fault: { kind: 'aer', error, severity: null },
});

const witnessOf = (settled: FaultRequest[]): FaultWitness => {
  const expected: FaultRequest[] = [];
  return {
    expectFault: async (wanted) => success(expected.push(wanted)),
    settleFault: async (number) => {
      settled.push(expected[number - 1] as FaultRequest);
      return success({ kind: 'lost', where: 'serr', detail: 'COMMAND.SERR is off.' });
    },
  };
};
const clock = { now: () => 7, wall: () => '', at: () => () => undefined };

describe('injection by monitor', () => {
  it('"OK" is not believed: the receipt says what the witness saw', async () => {
    const { monitor, told } = qemu(() => ({ return: 'OK id: dut0 root bus: pcie.0, bus: 1 devfn: 0.0\r\n' }));
    const settled: FaultRequest[] = [];
    const wanted = request('MALF_TLP');
    const receipt = await injectByMonitor(wanted, 'dut0', { monitor, witness: witnessOf(settled), clock });
    expect(told.at(-1)?.arguments).toEqual({ 'command-line': 'pcie_aer_inject_error dut0 MALF_TLP' });
    expect(receipt).toMatchObject({
      ok: true,
      value: { at: 7, injector: 'qemuMonitor', delivery: { kind: 'lost', where: 'serr' } },
    });
    expect(settled).toEqual([wanted]);
  });

  it.each([
    ['RCVR', 'pcie_aer_inject_error dut0 RCVR'],
    ['INTERNAL', 'pcie_aer_inject_error dut0 INTERNAL'],
    ['PCRC_CHECK', 'pcie_aer_inject_error dut0 0x40000000'],
  ])('%s', async (error, line) => {
    const { monitor, told } = qemu(() => ({ return: 'OK\r\n' }));
    await injectByMonitor(request(error), 'dut0', { monitor, witness: witnessOf([]), clock });
    expect(told.at(-1)?.arguments['command-line']).toBe(line);
  });

  it('what QEMU does not take is refused with its words, and nothing is waited for', async () => {
    const { monitor } = qemu(() => ({ return: "Error: PCI device 'dut9' not found\r\n" }));
    const settled: FaultRequest[] = [];
    expect(
      await injectByMonitor(request('DLP'), 'dut9', { monitor, witness: witnessOf(settled), clock }),
    ).toMatchObject({
      ok: false,
      error: { code: 'injectionRefused', message: expect.stringContaining('not found') as string },
    });
    expect(settled).toEqual([]);
  });
});
