import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../src-main/core/recovery/policy.ts';
import { addRig, decision, openService, rng, TestViewer, type AddedRig } from './desk.ts';
import { essence } from './foldDeltas.ts';

const opened = async (added: AddedRig = {}, pace = 1) => {
  const service = openService({ pace });
  const viewer = new TestViewer(service);
  const rig = await addRig(viewer, added);
  return { service, viewer, rig };
};

const driverOf = async (viewer: TestViewer, rig: string, device = rng) =>
  (await viewer.rig(rig)).devices.find(({ address }) => address === device)?.driver;

describe('drivers', () => {
  it('are taken away and given back with a confirmation each, and told as a list of devices and a line', async () => {
    const { viewer, rig } = await opened();
    const before = await viewer.snapshot();
    const card = await viewer.ask('confirmation', { rig, device: rng, action: 'unbind', driver: null });
    expect(card.refusal).toBeNull();
    await viewer.ask('bind', { rig, device: rng, token: card.token, driver: null });
    expect(await driverOf(viewer, rig)).toBeNull();
    const again = await viewer.ask('confirmation', { rig, device: rng, action: 'unbind', driver: null });
    expect(again.refusal).toContain('no driver already');
    const token = await viewer.token(rig, 'unbind');
    await viewer.ask('bind', { rig, device: rng, token, driver: 'vfio-pci' });
    expect(await driverOf(viewer, rig)).toBe('vfio-pci');
    const operations = viewer.lines(rig).filter(({ type }) => type === 'operation');
    expect(operations).toMatchObject([
      { operation: 'bind', result: 'done', detail: { driver: null } },
      { operation: 'bind', result: 'done', detail: { driver: 'vfio-pci' } },
    ]);
    expect(essence(viewer.shownSince(before))).toEqual(essence(await viewer.snapshot()));
  });

  it('stay while the bench has the device open, and on a bridge', async () => {
    const { viewer, rig } = await opened();
    await viewer.arm(rig);
    const bind = async (device: string, driver: 'vfio-pci' | null) =>
      viewer.codeOf('bind', { rig, device, token: await viewer.token(rig, 'unbind', device), driver });
    expect(await bind(rng, null)).toBe('busy');
    const port = (await viewer.rig(rig)).devices.find(({ kind }) => kind === 'bridge')?.address ?? '';
    expect(await bind(port, 'vfio-pci')).toBe('preflightRefused');
    expect(
      await viewer.codeOf('arm', { rig, device: port, protocol: 'notify', policy: defaultPolicy }),
    ).not.toBe('ok');
    await viewer.ask('closeDevice', { rig, device: rng });
    expect(await bind(rng, null)).toBe('ok');
  });
});

describe('the rules before a change of driver', () => {
  const lab = async () => opened({ topology: 'lab' });
  const cardFor = (viewer: TestViewer, rig: string, device: string, driver: 'vfio-pci' | 'previous' | null) =>
    viewer.ask('confirmation', { rig, device, action: 'unbind', driver });

  it('give a device of the host back to its own driver, as long as the bench remembers it', async () => {
    const { viewer, rig } = await lab();
    const device = '0000:09:00.0';
    const unknown = await viewer.execute('confirmation', {
      rig,
      device,
      action: 'unbind',
      driver: 'previous',
    });
    expect(unknown).toMatchObject({ ok: false, error: { code: 'malformedInput' } });
    const { token } = await cardFor(viewer, rig, device, 'vfio-pci');
    await viewer.ask('bind', { rig, device, token, driver: 'vfio-pci' });
    expect(await driverOf(viewer, rig, device)).toBe('vfio-pci');
    const undo = await cardFor(viewer, rig, device, 'previous');
    expect(undo).toMatchObject({ refusal: null });
    expect(undo.consequence).toMatch(/given to virtio-pci\. The host uses it again/);
    await viewer.ask('bind', { rig, device, token: undo.token, driver: 'previous' });
    expect(await driverOf(viewer, rig, device)).toBe('virtio-pci');
  });

  it('stand on the card: what the host lives on, and what a bridge is', async () => {
    const { viewer, rig } = await lab();
    const disk = await cardFor(viewer, rig, '0000:08:00.0', 'vfio-pci');
    expect(disk.refusal).toMatch(/root file system is on 0000:08:00\.0/);
    const { token } = disk;
    const asked = { rig, device: '0000:08:00.0', token, driver: 'vfio-pci' as const };
    expect(await viewer.codeOf('bind', asked)).toBe('preflightRefused');
    expect(await driverOf(viewer, rig, '0000:08:00.0')).toBe('nvme');
    expect((await cardFor(viewer, rig, '0000:00:09.0', 'vfio-pci')).refusal).toMatch(/is a bridge/);
  });
});

describe('a device that vanishes', () => {
  it('while its card is open says so, leaves the list, and comes back with a rescan', async () => {
    const { service, viewer, rig } = await opened({}, 5);
    await viewer.arm(rig);
    await viewer.inject(rig);
    await viewer.phase(rig, 'awaitingAck');
    const card = await viewer.ask('confirmation', { rig, device: rng, action: 'acknowledge' });
    expect(card.refusal).toBeNull();
    const unplug = { kind: 'unplug' } as const;
    const pull = await viewer.ask('confirmation', { rig, device: rng, action: 'inject', fault: unplug });
    expect(pull.refusal).toBeNull();
    await viewer.ask('inject', { rig, device: rng, token: pull.token, injector: 'simulated', fault: unplug });
    await viewer.phase(rig, 'deviceLost');
    const confirmed = await viewer.execute('acknowledge', {
      rig,
      device: rng,
      token: card.token,
      ...decision,
    });
    expect(confirmed).toMatchObject({ ok: false, error: { code: 'noOpenWait' } });
    expect(viewer.lines(rig).filter(({ type }) => type === 'approval')).toEqual([]);
    expect(service.waits()).toEqual([]);
    await viewer.until(
      'gone',
      (delta) => delta.kind === 'devices' && !delta.devices.some(({ address }) => address === rng),
    );
    // It is still a device that the rig has named: the answer is that it is lost, not that there is none.
    expect(await viewer.codeOf('injectors', { rig, device: rng })).toBe('deviceLost');
    const again = await viewer.ask('confirmation', { rig, device: rng, action: 'acknowledge' });
    expect(again.refusal).not.toBeNull();
    expect(again.known).toMatchObject({ present: false });
    expect(await viewer.ask('rescan', { rig })).toEqual([rng]);
    expect((await viewer.rig(rig)).devices.map(({ address }) => address)).toContain(rng);
  });
});

describe('what is read of a device', () => {
  it('is its config space while it is open, its injectors always, and the meaning of words', async () => {
    const { viewer, rig } = await opened();
    expect(await viewer.codeOf('readConfig', { rig, device: rng, view: 'vfio' })).toBe('sessionClosed');
    await viewer.arm(rig);
    const config = await viewer.ask('readConfig', { rig, device: rng, view: 'hardware' });
    const bytes = Buffer.from(config.bytes, 'base64');
    expect(bytes.length).toBe(4096);
    expect(bytes.readUInt16LE(0)).toBe(0x1af4);
    const offers = await viewer.ask('injectors', { rig, device: rng });
    expect(offers.map(({ injector }) => injector)).toEqual(['simulated', 'loopback']);
    expect((await viewer.ask('explain', { text: 'EAGAIN' })).length).toBeGreaterThan(0);
    expect(await viewer.codeOf('explain', { text: 'no such word' })).toBe('unknownCode');
  });

  it('is, with the policy, changed only when no recovery is open', async () => {
    const { viewer, rig } = await opened();
    const policy = { ...defaultPolicy, afterReset: 'wait' as const };
    expect(await viewer.codeOf('setPolicy', { rig, device: rng, policy })).toBe('notArmed');
    await viewer.arm(rig);
    await viewer.ask('setPolicy', { rig, device: rng, policy });
    expect((await viewer.rig(rig)).armed[0]?.state.arming.policy).toEqual(policy);
    await viewer.inject(rig);
    await viewer.phase(rig, 'awaitingAck');
    expect(await viewer.codeOf('setPolicy', { rig, device: rng, policy })).toBe('recoveryOpen');
    expect(await viewer.codeOf('disarm', { rig, device: rng })).toBe('recoveryOpen');
  });
});

describe('many functions', () => {
  it('ten thousand are listed soon after they were asked for', async () => {
    const { viewer, rig } = await opened({ topology: 'many-10000' });
    const from = performance.now();
    const { devices } = await viewer.rig(rig);
    expect(devices).toHaveLength(20_000);
    expect(performance.now() - from).toBeLessThan(500);
  });

  it.each(['many-0', 'many-20001', 'many-1e3', 'many-', 'many-01'])('%s is no topology', async (topology) => {
    const { viewer } = await opened();
    expect(
      await viewer.codeOf('addRig', {
        kind: 'simulated',
        profile: 'notify-7.2',
        topology,
        seed: 1,
        ackTimeout: null,
      }),
    ).toBe('malformedInput');
  });

  it('a kernel of another platform takes no such devices', async () => {
    const { viewer } = await opened();
    expect(
      await viewer.codeOf('addRig', {
        kind: 'simulated',
        profile: 'zpci-7.3',
        topology: 'lab',
        seed: 1,
        ackTimeout: null,
      }),
    ).toBe('malformedInput');
  });
});
