import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withAgentBundle } from '../rigs/remote/agentBundle.ts';
import { jsonLines, terminal } from './terminal.ts';

const device = '0000:01:00.0';
const live = `--rig simulated:notify-7.2 --device ${device}`;
const runsOf = (folder: string): number => (existsSync(folder) ? readdirSync(folder).length : 0);

interface Register {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly finding: { readonly certainty: string; readonly source: string | null };
}

describe('restore audit of a device now', () => {
  it('plays one recovery, records it as a run, and audits it', async () => {
    const { rbench, runs } = terminal();
    const { exit, out, err } = await rbench(`restore audit ${live} --error COMP_TIME --json`);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    const [audit] = jsonLines(out);
    expect(audit).toMatchObject({ device, recovery: 1, outcome: 'recovered', marking: null });
    expect(runsOf(runs)).toBe(1);
    // The run is one like any other.
    const again = await rbench('restore audit --json');
    expect(jsonLines(again.out)[0]?.['registers']).toEqual(audit?.['registers']);
    expect(runsOf(runs)).toBe(1);
  });

  it('--mark decides what was ambiguous, and puts the old values back', async () => {
    const { rbench, runs } = terminal();
    const cacheLine = async (option: string): Promise<Register | undefined> => {
      const { exit, out } = await rbench(`restore audit ${live} --no-journal --json ${option}`);
      expect(exit).toBe(0);
      const [audit] = jsonLines(out);
      if (option !== '') {
        expect(audit?.['marking']).toBe('Marked at armed, duringWait, afterReset; the old values are back.');
      }
      return (audit?.['registers'] as readonly Register[]).find(({ label }) => label === 'Cache Line Size');
    };
    expect((await cacheLine(''))?.finding.certainty).toBe('ambiguous');
    const marked = await cacheLine('--mark');
    expect(marked?.finding).toMatchObject({ certainty: 'proved', source: 'lastSave' });
    expect(new Set(marked?.values).size).toBeGreaterThan(3);
    expect(runsOf(runs)).toBe(0);
  });

  it('says what is wrong with the words before anything is opened', async () => {
    const { rbench, runs } = terminal();
    for (const [words, sentence] of [
      ['restore audit --mark', '--mark goes with --rig'],
      ['restore audit --no-journal', '--no-journal goes with --rig'],
      ['config show --no-kernel-trace', '--no-kernel-trace goes with --rig'],
      [`restore audit last ${live}`, 'Give a run ("last") or --rig, not both.'],
      [`restore audit ${live} --for soon`, '"soon" is no duration'],
      ['restore audit --rig simulated', 'choose with --device'],
      ['restore audit --rig simulated --device 0000:01', 'address'],
      [`restore audit ${live} --protocol mediated`, 'not mediated'],
      [`config show ${live} --at noon`, 'There is no moment "noon"'],
      [`config diff ${live} armed noon`, 'There is no moment "noon"'],
      [`restore what-if ${live} --recovery 1`, '--recovery is one of a run'],
    ] as const) {
      const { exit, out, err } = await rbench(words);
      expect({ words, told: err.includes(sentence), out, bad: exit === 0 }).toEqual({
        words,
        told: true,
        out: '',
        bad: false,
      });
      expect(err.trimEnd().split('\n')).toHaveLength(1);
    }
    expect(runsOf(runs)).toBe(0);
  });
});

describe('config of a device now', () => {
  it('show reads it as it is and leaves no run; at a moment of a recovery it plays one', async () => {
    const { rbench, runs } = terminal();
    const now = await rbench(`config show ${live} --view vfio`);
    expect(now).toMatchObject({ exit: 0, err: '' });
    expect(now.out).toMatch(/^0000:01:00\.0 at look, vfio view, 4096 bytes/);
    expect(runsOf(runs)).toBe(0);
    const reset = await rbench(`config show ${live} --at afterReset`);
    expect(reset.out).toMatch(/^004 +Header +Control +0x0000/m);
    expect(runsOf(runs)).toBe(1);
  });

  it('diff tells what the reset of a recovery took', async () => {
    const { rbench } = terminal();
    const { out } = await rbench(`config diff armed afterReset ${live} --json`);
    expect(jsonLines(out)[0]?.['changes']).toContainEqual(
      expect.objectContaining({ offset: 4, before: 0x0107, after: 0 }),
    );
  });
});

describe('restore marks', () => {
  it('lists what a marking run would write, of a device now and of one in a run', async () => {
    const { rbench } = terminal();
    const { exit, out } = await rbench(`restore marks ${live}`);
    expect(exit).toBe(0);
    expect(out).toMatch(/^00c +Cache Line Size +0xff +0x24 +0x28 +0x2c +0x00 /m);
    expect(out).toContain('Left alone: Interrupt Line.');
    await rbench(`inject ${device} --rig simulated`);
    const recorded = jsonLines((await rbench('restore marks --json')).out)[0];
    expect(recorded).toMatchObject({ type: 'markingPlan', device });
  });
});

describe('restore what-if', () => {
  it('compares the policies, for a device now and for what a run recorded', async () => {
    const { rbench } = terminal();
    const usual = await rbench(`restore what-if ${live}`);
    expect(usual.exit).toBe(0);
    expect(usual.out).toMatch(/RFC +pci_restore_state +open-time snapshot +reset_done/);
    expect(usual.out).toMatch(/^00c +Header: Cache Line Size .*0x10 the last save .*the open-time snapshot/m);
    await rbench(`inject ${device} --rig simulated`);
    const recorded = jsonLines((await rbench('restore what-if --json')).out)[0];
    expect(recorded).toMatchObject({
      type: 'whatIf',
      playedOn: 'itself',
      history: 'recorded',
      kernel: '7.2',
    });
  });

  it('takes a marked run up to its last reading: that the marks were put back afterwards is no source', async () => {
    const { rbench } = terminal();
    await rbench(`restore audit ${live} --mark`);
    const [compared] = jsonLines((await rbench('restore what-if --json')).out);
    const rows = compared?.['rows'] as readonly { label: string; by: Record<string, unknown> }[];
    expect(rows.find(({ label }) => label === 'Cache Line Size')?.by).toMatchObject({
      nothing: { value: 0x2c, sources: ['lastSave'] },
      resetDone: { value: 0, sources: ['openSnapshot'] },
    });
  });

  it('is refused where the platform recovers, in one sentence', async () => {
    const { exit, err } = await terminal().rbench(
      'restore what-if --rig simulated:zpci-7.3 --device 1234:00:00.0',
    );
    expect(exit).not.toBe(0);
    expect(err).toContain('there are no policies to compare');
  });
});

describe('a remote rig', () => {
  const agent = withAgentBundle();

  it('is audited with marks as well', async () => {
    const { exit, out, err } = await terminal().rbench([
      'restore',
      'audit',
      '--rig',
      `remote:${agent.command} --simulated notify-6.1`,
      '--device',
      device,
      '--mark',
      // It serves a simulated kernel, of which nothing could be watched anyway.
      '--no-kernel-trace',
      '--json',
    ]);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    expect(jsonLines(out)[0]).toMatchObject({
      outcome: 'recovered',
      marking: 'Marked at armed, duringWait, afterReset; the old values are back.',
    });
  }, 60_000);
});
