import { describe, expect, it } from 'vitest';
import { jsonLines, terminal } from './terminal.ts';

const device = '0000:01:00.0';

const recorded = async (scenario: string) => {
  const bench = terminal();
  const { exit } = await bench.rbench(`scenario run ${scenario}`);
  expect(exit).toBe(0);
  return bench;
};

interface Audited {
  readonly moments: readonly { readonly name: string }[];
  readonly hazards: readonly { readonly kind: string; readonly state: string }[];
  readonly registers: readonly {
    readonly offset: number;
    readonly owner: string;
    readonly label: string;
    readonly verdict: string;
    readonly finding: { readonly source: string; readonly certainty: string } | null;
  }[];
}

describe('restore audit', () => {
  it('names what the bench wrote itself, what the kernel put back, and every moment that was kept', async () => {
    const { rbench } = await recorded('notify-fatal-acknowledged');
    const { exit, out, err } = await rbench('restore audit --json');
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    const audit = jsonLines(out)[0] as unknown as Audited;
    expect(audit).toMatchObject({
      type: 'restoreAudit',
      device,
      recovery: 1,
      outcome: 'recovered',
      note: null,
    });
    expect(audit.moments.map(({ name }) => name)).toEqual([
      'open',
      'armed',
      'beforeFault',
      'duringWait',
      'afterReset',
      ...['COMMAND', 'DEVICE_RESET', 'COMMAND again', 'DevCtl', 'MSI-X', 'engine'].map(
        (step) => `afterStep: ${step}`,
      ),
      'end',
    ]);
    const registerOf = (label: string) => audit.registers.find((register) => register.label === label);
    // The bench writes DevCtl after its reset; without the record of its writes nothing would explain the value.
    expect(registerOf('DevCtl')).toMatchObject({
      verdict: 'restored',
      finding: { source: 'userSpace', certainty: 'proved' },
    });
    expect(registerOf('MSI-X')).toMatchObject({ finding: { source: 'liveKernelState' } });
    expect(audit.hazards.every(({ state }) => state === 'passed')).toBe(true);
  });

  it('lines its table up', async () => {
    const { rbench } = await recorded('notify-fatal-acknowledged');
    const lines = (await rbench('restore audit last')).out.split('\n');
    const head = lines.find((line) => line.startsWith('step ')) ?? '';
    const row = lines.find((line) => line.includes('PCI Express: DevCtl ')) ?? '';
    expect(row.slice(head.indexOf('verdict'))).toMatch(/^restored +user space \(proved\)$/);
    expect(row.slice(head.indexOf('afterReset'))).toMatch(/^0x0000 /);
  });

  it('refuses a recovery and a device that the run does not have', async () => {
    const { rbench } = await recorded('notify-fatal-acknowledged');
    expect(await rbench('restore audit --recovery 7')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('has no recovery "7" in this run; it has 1') as string,
    });
    expect(await rbench('restore audit --device 0000:09:00.0')).toMatchObject({ exit: 2 });
  });
});

describe('config', () => {
  it('diff tells what the reset took, and nothing of a moment held against itself', async () => {
    const { rbench } = await recorded('notify-fatal-acknowledged');
    const { exit, out } = await rbench('config diff armed afterReset --json');
    expect(exit).toBe(0);
    const [found] = jsonLines(out);
    expect(found).toMatchObject({ type: 'configDiff', device, from: 'armed', to: '1:afterReset' });
    expect(found?.['changes']).toContainEqual(
      expect.objectContaining({ offset: 4, before: 0x0107, after: 0 }),
    );
    expect((await rbench('config diff armed armed')).out).toContain('Nothing differs.');
  });

  it('show lists the registers of a moment, and names the moments there are for one that is not', async () => {
    const { rbench } = await recorded('notify-fatal-acknowledged');
    const { exit, out } = await rbench('config show --at open --view vfio');
    expect(exit).toBe(0);
    expect(out).toMatch(/^000 +Header +vendorId +0x1af4/m);
    expect(await rbench('config show --at noon')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('open, armed, beforeFault') as string,
    });
  });
});
