import { describe, expect, it } from 'vitest';
import { defaultPolicy } from '../../src-main/core/recovery/policy.ts';
import { platformWords, type PlatformAction } from '../../src-main/core/zpci/platformActions.ts';
import { operationWords } from '../../src-main/core/timeline/operationWords.ts';
import { addRig, decision, openService, rng, TestViewer } from './desk.ts';

const device = '1234:00:00.0';
const s390x = async () => {
  const viewer = new TestViewer(openService());
  const rig = await addRig(viewer, { profile: 'zpci-7.3', topology: 'zpci' });
  const on = { rig, device };
  const card = (platform: PlatformAction) =>
    viewer.ask('confirmation', { ...on, action: 'platform', platform });
  const act = async (action: PlatformAction): Promise<string> => {
    const { token } = await card(action);
    return viewer.codeOf('platformAct', { ...on, ...decision, token, action });
  };
  /** Deltas come a little after the answers. */
  const told = (type: 'operation' | 'refusal', named: string): Promise<void> =>
    viewer.until(
      `${type} ${named}`,
      (delta) =>
        delta.kind === 'line' &&
        ((delta.line.type === 'operation' && type === 'operation' && delta.line.operation === named) ||
          (delta.line.type === 'refusal' && type === 'refusal' && delta.line.wish === named)),
    );
  const listed = async () =>
    (await viewer.rig(rig)).devices.find(({ address }) => address === device) ?? null;
  return { viewer, rig, on, card, act, listed, told };
};

describe('an action of the platform', () => {
  it('says what comes of it, is written down with who wants it and why, and then done', async () => {
    const { viewer, rig, card, act, listed, told } = await s390x();
    expect(await card('powerOff')).toMatchObject({
      action: 'platform',
      consequence: platformWords.powerOff.consequence,
      refusal: null,
    });
    expect(await act('powerOff')).toBe('ok');
    expect(await listed()).toBeNull();
    await told('operation', 'powerOff');
    const types = viewer
      .lines(rig)
      .filter((line) => 'device' in line && line.device === device)
      .map(({ type }) => type);
    expect(types.indexOf('kernelLog')).toBeLessThan(types.indexOf('operation'));
    expect(viewer.lines(rig)).toContainEqual(
      expect.objectContaining({
        type: 'kernelLog',
        text: 'Ada asks the platform for "Slot power off": lab demo',
      }),
    );
    expect(viewer.lines(rig)).toContainEqual(
      expect.objectContaining({ type: 'operation', operation: 'powerOff', result: 'done', detail: decision }),
    );
    // It is known, and not there: it is switched on again by its address.
    expect((await card('recover')).refusal).toMatch(/power its slot on first/);
    expect(await act('powerOn')).toBe('ok');
    expect(await listed()).toMatchObject({ driver: null, zpci: { uid: 0x1234 } });
  });

  it('is refused on the card while the bench has the device open, and changes nothing when it is tried', async () => {
    const { viewer, rig, on, card, act, listed, told } = await s390x();
    await viewer.ask('arm', { ...on, protocol: 'mediated', policy: defaultPolicy });
    expect((await card('recover')).refusal).toMatch(/open in this bench.*close the device first/);
    const before = await listed();
    expect(await act('recover')).toBe('busy');
    expect(await listed()).toEqual(before);
    await told('refusal', 'recover');
    expect(viewer.lines(rig)).toContainEqual(
      expect.objectContaining({ type: 'refusal', device, wish: 'recover' }),
    );
    expect(viewer.lines(rig).some((line) => line.type === 'operation' && line.operation === 'recover')).toBe(
      false,
    );
    await viewer.ask('disarm', on);
    await viewer.ask('closeDevice', on);
    expect(await act('recover')).toBe('ok');
  });

  it('that goes to a service element is refused with the reason where there is none', async () => {
    const { viewer, on, act } = await s390x();
    const offers = await viewer.ask('platformOffers', on);
    const refused = offers.filter(({ refusal }) => refusal !== null).map(({ action }) => action);
    expect(refused).toEqual([
      'powerOn',
      'zpcictlReset',
      'zpcictlResetFirmware',
      'zpcictlDeconfigure',
      'zpcictlReportError',
    ]);
    expect(await act('zpcictlDeconfigure')).toBe('notSupported');
  });

  it('stands on the timeline by its title, as a DMA that nobody would hear of is said to be nothing', async () => {
    const { viewer, rig, on, act, told } = await s390x();
    await act('recover');
    await told('operation', 'recover');
    const line = viewer.lines(rig).find(({ type }) => type === 'operation');
    expect(line?.type === 'operation' ? operationWords(line) : '').toBe('platform: Recover');
    const fault = { kind: 'zpciDma', where: 'aboveAperture' } as const;
    const card = await viewer.ask('confirmation', { ...on, action: 'inject', fault });
    expect(card.consequence).toBe('Nothing: no error comes of it.');
    expect(card.refusal).toMatch(/dropped silently/);
  });

  it('is none of other machines', async () => {
    const viewer = new TestViewer(openService());
    const rig = await addRig(viewer);
    const card = await viewer.ask('confirmation', { rig, device: rng, action: 'platform' });
    expect(card.refusal).toMatch(/no s390x function/);
  });

  it('is the operator’s, who confirms it first', async () => {
    const service = openService();
    const viewer = new TestViewer(service);
    const onlooker = new TestViewer(service, { name: 'Grace', transport: 'browser' });
    const rig = await addRig(viewer, { profile: 'zpci-7.3', topology: 'zpci' });
    const wish = { rig, device, ...decision, action: 'recover' };
    expect(await onlooker.codeOf('platformAct', { ...wish, token: 'x' })).toBe('notOperator');
    expect(await viewer.codeOf('platformAct', { ...wish, token: 'made up' })).toBe('confirmationInvalid');
    expect(await viewer.codeOf('platformAct', { ...wish, token: 'x', reason: ' ' })).toBe('malformedInput');
    expect(await onlooker.codeOf('platformOffers', { rig, device })).toBe('ok');
  });
});
