import { describe, expect, it } from 'vitest';
import { profileNames } from '../../src-main/rigs/simulated/kernel/profile.ts';
import { jsonLines, onlyRun, terminal } from './terminal.ts';

describe('rigs and devices', () => {
  it('rigs lists every profile and marks the default', async () => {
    const { exit, out } = await terminal().rbench('rigs');
    expect(exit).toBe(0);
    for (const name of profileNames) expect(out).toContain(`simulated:${name} `);
    expect(out).toMatch(/simulated:notify-7\.2 +\* /);
    const json = jsonLines((await terminal().rbench('rigs --json')).out);
    expect(json.map(({ name }) => name)).toEqual(profileNames.map((name) => `simulated:${name}`));
    for (const line of json) expect(Object.keys(line)).toEqual(['type', 'name', 'title', 'preferred']);
  });

  it.each(profileNames)('devices lists what simulated:%s has', async (name) => {
    const { exit, out } = await terminal().rbench(`devices --rig simulated:${name}`);
    const json = jsonLines((await terminal().rbench(`devices --rig simulated:${name} --json`)).out);
    expect(exit).toBe(0);
    expect(json.length).toBeGreaterThan(1);
    for (const line of json) {
      expect(out).toContain(String(line['address']));
      expect(Object.keys(line).slice(0, 11)).toEqual([
        'type',
        'address',
        'name',
        'kind',
        'className',
        'vendorId',
        'deviceId',
        'parent',
        'driver',
        'iommuGroup',
        'protocols',
      ]);
    }
  });

  it('devices lists zPCI functions by UID and FID, without a column for AER', async () => {
    const { out } = await terminal().rbench('devices --rig simulated:zpci-7.3');
    expect(out).toMatch(/address +uid +fid +handle +device/);
    expect(out).toMatch(/^1234:00:00\.0 +0x1234 +0x00000056 +0x80020000 +Virtio RNG/m);
    expect(out).toMatch(/UID checking is on/);
    expect(out).not.toMatch(/AER/);
    const [first] = jsonLines((await terminal().rbench('devices --rig simulated:zpci-7.3 --json')).out);
    expect(first?.['zpci']).toMatchObject({ uid: 0x1234, fid: 0x56, uidIsUnique: true });
  });

  it('devices follows --topology', async () => {
    const { out } = await terminal().rbench('devices --topology multiFunction --json');
    expect(jsonLines(out).map(({ address }) => address)).toContain('0000:01:00.1');
  });
});

describe('platform', () => {
  const zpci = '--rig simulated:zpci-7.3';

  it('lists what the platform can do to a function, what comes of it, and what is refused', async () => {
    const { exit, out } = await terminal().rbench(`platform 1234:00:00.0 ${zpci}`);
    expect(exit).toBe(0);
    expect(out).toMatch(/^recover {2}\(echo 1 > recover\)\n {2}The kernel removes the function/m);
    expect(out).toMatch(/^zpcictlReset .*\n.*\n {2}refused now: There is no service element/m);
  });

  it('does nothing before it is confirmed, and then what was asked for', async () => {
    const hesitant = await terminal().rbench(`platform 1234:00:00.0 powerOff ${zpci}`);
    expect(hesitant).toMatchObject({ exit: 2, err: expect.stringMatching(/leaves the bus.*--yes/) });
    const { exit, out } = await terminal().rbench(`platform 1234:00:00.0 powerOff --yes ${zpci}`);
    expect(exit).toBe(0);
    expect(out).toMatch(/done in \d+ ms; 1234:00:00\.0 is not on the bus/);
  });

  it.each([
    ['1234:00:00.0 explode', 2, /action "explode"/],
    ['somewhere recover', 2, /address/],
    ['1234:00:00.0 zpcictlDeconfigure --yes', 3, /no service element/],
  ])('refuses %s', async (words, exit, message) => {
    const refused = await terminal().rbench(`platform ${words} ${zpci}`);
    expect(refused.err).toMatch(message);
    expect(refused.exit).toBe(exit);
  });
});

describe('inject', () => {
  const cases = [
    ['0000:01:00.0', 'recovered', 'awaitingAck'],
    ['0000:01:00.0 --rig simulated:notify-6.1 --error COMP_TIME', 'recovered', 'awaitingAck'],
    ['0000:01:00.0 --rig simulated:stock-7.2', 'recovered', 'resetting'],
    ['0000:01:00.0 --protocol legacy --error ECRC', 'recovered', 'quiescing'],
    ['1234:00:00.0 --rig simulated:zpci-7.3', 'recovered', 'resetting'],
    ['1234:00:00.0 --rig simulated:zpci-7.3 --zpci belowAperture', 'recovered', 'resetting'],
    ['1234:00:00.0 --rig simulated:zpci-7.2', 'recovered', 'resetting'],
    ['0001:01:00.0 --rig simulated:eeh', 'recovered', 'resetting'],
    ['0000:01:00.0 --policy neverAck', 'timedOut', 'awaitingAck'],
  ] as const;

  it.each(cases)('%s ends %s, by way of %s', async (words, outcome, phase) => {
    const { runs, rbench } = terminal();
    const { exit, out, err } = await rbench(`inject ${words}`);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    const lines = out.trimEnd().split('\n');
    expect(lines.at(-1)).toBe(outcome);
    expect(lines.at(-2)).toMatch(new RegExp(`^armed > .*${phase}.* > ${outcome}$`));
    expect(lines.at(-3)).toBe(`run ${onlyRun(runs).name}`);
    const json = await terminal().rbench(`inject ${words} --json`);
    const last = jsonLines(json.out).at(-1) ?? {};
    expect(Object.keys(last)).toEqual(['type', 'device', 'outcome', 'phase', 'trace', 'run']);
    expect(last).toMatchObject({ type: 'result', device: words.split(' ')[0], outcome, phase: outcome });
    expect((last['trace'] as string[]).join(' > ')).toBe(lines.at(-2));
  });

  it('a correctable error opens no recovery, and is followed for as long as --for says', async () => {
    const { exit, out } = await terminal().rbench('inject 0000:01:00.0 --error BAD_TLP --for 2s');
    expect(exit).toBe(0);
    expect(out).toMatch(/\narmed\nno recovery after 2 s\n$/);
  });

  it('says where it stands when the time is over before the recovery', async () => {
    const words = 'inject 0000:01:00.0 --policy askPerson --for 1s';
    expect((await terminal().rbench(words)).out).toMatch(/ > awaitingAck\nstill awaitingAck after 1 s\n$/);
    const last = jsonLines((await terminal().rbench(`${words} --json`)).out).at(-1);
    expect(last).toMatchObject({ outcome: null, phase: 'awaitingAck' });
  });

  it('exits 3 when the fault would get lost, before anything is opened', async () => {
    const { exit, out, err } = await terminal().rbench(
      'inject 1234:00:00.0 --rig simulated:zpci-7.3 --zpci aboveAperture',
    );
    expect(exit).toBe(3);
    expect(err).toMatch(/^rbench: A DMA above the aperture is dropped silently[^\n]*\n$/);
    expect(out).toBe('');
  });
});

describe('explain', () => {
  it.each([
    ['EAGAIN', 'EAGAIN (11)'],
    ['11', 'EAGAIN (11)'],
    ['ackTooLate', 'ackTooLate'],
    ['awaitingAck', 'awaitingAck'],
    ['MALF_TLP', 'MALF_TLP'],
    ['NEED_RESET', 'NEED_RESET'],
    ['timedOut', 'timedOut'],
  ])('%s is about %s: what happened, why, what to do', async (word, title) => {
    const { exit, out } = await terminal().rbench(`explain ${word}`);
    expect(exit).toBe(0);
    expect(out).toContain(title);
    expect(out).toMatch(/\n {2}What happened {2}\S.*\n {2}Why {12}\S.*\n {2}What to do {5}\S/);
    for (const line of jsonLines((await terminal().rbench(`explain ${word} --json`)).out)) {
      expect(Object.keys(line)).toEqual(
        expect.arrayContaining(['type', 'title', 'whatHappened', 'why', 'whatToDo']),
      );
      expect(line['type']).toBe('explanation');
    }
  });
});
