import { afterEach, describe, expect, it } from 'vitest';
import { parsePciAddress } from '../../src-main/core/pci/address.ts';
import { wordAt } from '../../src-main/core/pci/bytes.ts';
import { commandBit, configOffset } from '../../src-main/core/pci/registers.ts';
import type { PciAddress } from '../../src-main/core/pci/address.ts';
import { protocols, seconds } from '../../src-main/core/recovery/phase.ts';
import type { Protocol } from '../../src-main/core/recovery/phase.ts';
import type { Result } from '../../src-main/core/result.ts';
import type { DeviceSession, DeviceSummary, Rig, RigEvent } from '../../src-main/rigs/rig.ts';

const valueOf = <Value>(result: Result<Value>): Value => {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
  return result.value;
};
const codeOf = (result: Result<unknown>): string => (result.ok ? 'none' : result.error.code);

const addressOf = (text: string): PciAddress => valueOf(parsePciAddress(text));

/** No rig has a bus ff in its last domain. */
const nowhere = addressOf('ffff:ff:1f.7');

/** How long on the rig's clock something may take that has to come. */
const patience = seconds(30);

/**
 * What every rig has to do, whatever it is made of: only rig.ts is used. `openRig` opens a fresh one each time, with at
 * least one endpoint that can be armed and nothing open.
 */
export const rigSuite = (name: string, openRig: () => Promise<Rig>): void => {
  describe(`the rig ${name}`, () => {
    const opened: Rig[] = [];
    const fresh = async (): Promise<Rig> => {
      const rig = await openRig();
      opened.push(rig);
      return rig;
    };
    afterEach(async () => {
      for (const rig of opened.splice(0)) await rig.close();
    });

    const armableOf = async (rig: Rig): Promise<DeviceSummary & { readonly protocol: Protocol }> => {
      for (const device of valueOf(await rig.devices())) {
        const [protocol] = device.protocols;
        if (device.kind === 'endpoint' && protocol !== undefined) return { ...device, protocol };
      }
      throw new Error('This rig has no device that can be armed.');
    };

    interface Subject {
      readonly rig: Rig;
      readonly address: PciAddress;
      readonly protocol: Protocol;
      readonly session: DeviceSession;
      readonly events: readonly RigEvent[];
    }

    const openFirst = async (): Promise<Subject> => {
      const rig = await fresh();
      const { address, protocol } = await armableOf(rig);
      const events: RigEvent[] = [];
      rig.onEvent((event) => events.push(event));
      return { rig, address, protocol, session: valueOf(await rig.open(address)), events };
    };

    const eventOf = <Kind extends RigEvent['kind']>(
      { rig, events }: Subject,
      kind: Kind,
    ): Promise<Extract<RigEvent, { kind: Kind }>> =>
      new Promise((resolve, reject) => {
        const isWanted = (event: RigEvent): event is Extract<RigEvent, { kind: Kind }> => event.kind === kind;
        const seen = events.find(isWanted);
        if (seen !== undefined) return resolve(seen);
        const giveUp = rig.clock.at(rig.clock.now() + patience, () => {
          stop();
          reject(new Error(`No ${kind} came.`));
        });
        const stop = rig.onEvent((event) => {
          if (!isWanted(event)) return;
          stop();
          giveUp();
          resolve(event);
        });
      });

    describe('says what it is', () => {
      it('with a name, a title, a kernel and an architecture', async () => {
        const { info } = await fresh();
        for (const text of [info.name, info.title, info.kernel]) expect(text).not.toBe('');
        expect(['simulated', 'local', 'remote', 'virtual']).toContain(info.kind);
        expect(['x86_64', 's390x', 'ppc64le']).toContain(info.architecture);
      });

      it('with a clock that counts whole microseconds, never backwards, and a wall clock', async () => {
        const { clock } = await fresh();
        const before = clock.now();
        const asked = before + 1_000;
        const fired = await new Promise<number>((resolve) => clock.at(asked, () => resolve(clock.now())));
        expect(Number.isInteger(before)).toBe(true);
        expect(fired).toBeGreaterThanOrEqual(asked);
        expect(clock.wall()).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      });

      it('with devices that have one address each and their port in the list', async () => {
        const devices = valueOf(await (await fresh()).devices());
        const addresses = devices.map(({ address }) => address);
        expect(new Set(addresses).size).toBe(devices.length);
        for (const device of devices) {
          expect(valueOf(parsePciAddress(device.address))).toBe(device.address);
          if (device.parent !== null) expect(addresses).toContain(device.parent);
          for (const protocol of device.protocols) expect(protocols).toContain(protocol);
          if (device.kind === 'bridge') expect(device.protocols).toEqual([]);
        }
      });
    });

    describe('refuses an address it does not have', () => {
      it.each([
        ['open', (rig: Rig) => rig.open(nowhere)],
        ['injectors', (rig: Rig) => rig.injectors(nowhere)],
        ['faultTarget', (rig: Rig) => rig.faultTarget(nowhere)],
        ['bind', (rig: Rig) => rig.bind(nowhere, 'vfio-pci')],
        [
          'inject',
          (rig: Rig) => rig.inject({ address: nowhere, injector: 'loopback', fault: { kind: 'loopback' } }),
        ],
      ] as const)('%s', async (_, call) => {
        expect(codeOf(await call(await fresh()))).toBe('unknownAddress');
      });
    });

    describe('opens and closes', () => {
      it('a device, and again after it was closed', async () => {
        const { rig, address, session } = await openFirst();
        expect(session.address).toBe(address);
        expect(session.setUp.succeeded).toBe(true);
        valueOf(await session.close());
        const again = valueOf(await rig.open(address));
        expect(again.setUp.succeeded).toBe(true);
      });

      it('it only once at a time', async () => {
        const { rig, address, session } = await openFirst();
        expect(codeOf(await rig.open(address))).toBe('busy');
        expect((await session.prove()).verdict).not.toBe('failed');
      });

      it('offering what the list of devices says', async () => {
        const { rig, session } = await openFirst();
        const { capabilities } = session;
        expect(capabilities.protocols).toEqual((await armableOf(rig)).protocols);
        expect(capabilities.ackTimeout).toBeGreaterThan(0);
        expect(capabilities.sharers).not.toContain(session.address);
        expect(capabilities.resetKinds.length).toBeGreaterThan(0);
      });

      it('no device without a VFIO driver', async () => {
        const rig = await fresh();
        const foreign = valueOf(await rig.devices()).find(({ driver }) => !driver?.startsWith('vfio-pci'));
        expect(foreign).toBeDefined();
        if (foreign !== undefined) expect((await rig.open(foreign.address)).ok).toBe(false);
      });
    });

    describe('arms', () => {
      it('no protocol that is not offered, and none that nobody knows', async () => {
        const { session } = await openFirst();
        const { protocols: offered } = session.capabilities;
        for (const protocol of protocols.filter((other) => !offered.includes(other))) {
          expect(codeOf(await session.arm(protocol))).toBe('protocolUnavailable');
        }
        expect(codeOf(await session.arm('telepathy' as Protocol))).toBe('protocolUnavailable');
        expect(codeOf(await session.disarm())).toBe('notArmed');
      });

      it('each protocol that is offered, once at a time, and again after disarming', async () => {
        const { session } = await openFirst();
        for (const protocol of session.capabilities.protocols) {
          valueOf(await session.arm(protocol));
          expect(codeOf(await session.arm(protocol))).toBe('alreadyArmed');
          valueOf(await session.disarm());
          expect(codeOf(await session.disarm())).toBe('notArmed');
        }
      });

      it('so that a loop-back becomes a signal, where the protocol has an eventfd', async () => {
        const subject = await openFirst();
        const { session, protocol, address } = subject;
        expect(codeOf(await session.triggerLoopback())).toBe('notArmed');
        valueOf(await session.arm(protocol));
        const triggered = await session.triggerLoopback();
        if (protocol === 'eeh') return expect(codeOf(triggered)).toBe('notSupported');
        valueOf(triggered);
        expect(await eventOf(subject, 'signal')).toMatchObject({ address, protocol, count: 1 });
      });

      it('and a disarmed device signals nothing', async () => {
        const { rig, session, protocol, events } = await openFirst();
        valueOf(await session.arm(protocol));
        valueOf(await session.disarm());
        expect(codeOf(await session.triggerLoopback())).toBe('notArmed');
        await new Promise<void>((resolve) => rig.clock.at(rig.clock.now() + 10_000, resolve));
        expect(events.filter(({ kind }) => kind === 'signal')).toEqual([]);
      });

      it('through its loop-back injector as well, while the device is open', async () => {
        const subject = await openFirst();
        const { rig, address, session, protocol } = subject;
        if (protocol === 'eeh') return;
        valueOf(await session.arm(protocol));
        const fault = { kind: 'loopback' } as const;
        const receipt = valueOf(await rig.inject({ address, injector: 'loopback', fault }));
        expect(receipt).toMatchObject({ injector: 'loopback', fault, delivery: { kind: 'reported' } });
        await eventOf(subject, 'signal');
        valueOf(await session.close());
        expect((await rig.inject({ address, injector: 'loopback', fault })).ok).toBe(false);
        const offer = valueOf(await rig.injectors(address)).find(({ injector }) => injector === 'loopback');
        expect(offer?.refusal).not.toBeNull();
      });
    });

    describe('takes what may be done without asking', () => {
      const order = { at: 'signal', latest: seconds(50) } as const;

      it('only with a protocol that has an ack, and when it rests on the last signal', async () => {
        const subject = await openFirst();
        const { session, protocol } = subject;
        expect(codeOf(await session.handDown(order, 0))).toBe('notArmed');
        valueOf(await session.arm(protocol));
        if (protocol !== 'notify') {
          return expect(codeOf(await session.handDown(order, 0))).toBe('notSupported');
        }
        valueOf(await session.handDown(order, 0));
        valueOf(await session.handDown(order, 0));
        valueOf(await session.takeBack());
        valueOf(await session.triggerLoopback());
        const { number } = await eventOf(subject, 'signal');
        expect(number).toBe(1);
        expect(codeOf(await session.handDown(order, 0))).toBe('stepUnderWay');
        valueOf(await session.handDown(order, number));
        valueOf(await session.disarm(number));
        valueOf(await session.arm(protocol));
        valueOf(await session.handDown(order, 0));
      });

      it('and acks no loop-back', async () => {
        const subject = await openFirst();
        const { session, protocol } = subject;
        if (protocol !== 'notify') return;
        valueOf(await session.arm(protocol));
        valueOf(await session.handDown(order, 0));
        valueOf(await session.triggerLoopback());
        expect(await eventOf(subject, 'signal')).toMatchObject({ count: 1, answered: null });
      });

      it('and acks a real error by itself, once, before event 2', async () => {
        const subject = await openFirst();
        const { rig, session, protocol, address, events } = subject;
        const offers = valueOf(await rig.injectors(address));
        const injector = offers.find(
          ({ refusal, faults }) => refusal === null && faults.includes('aer'),
        )?.injector;
        if (protocol !== 'notify' || injector === undefined) return;
        valueOf(await session.arm(protocol));
        valueOf(await session.handDown(order, 0));
        const fault = { kind: 'aer', error: 'MALF_TLP', severity: null } as const;
        const two = new Promise<void>((resolve) => {
          rig.onEvent(({ kind }) => {
            if (kind === 'signal' && events.filter((event) => event.kind === 'signal').length === 2)
              resolve();
          });
        });
        valueOf(await rig.inject({ address, injector, fault }));
        await two;
        const [first, second] = events.filter((event) => event.kind === 'signal');
        expect(first).toMatchObject({
          number: 1,
          answered: {
            acknowledge: { kind: 'taken' },
            quiesce: { succeeded: true },
            inspection: { ok: true },
          },
        });
        expect(second).toMatchObject({ number: 2, answered: null });
        expect(first?.answered?.at ?? Infinity).toBeLessThanOrEqual(second?.at ?? 0);
        // Whoever has not heard of the ack yet must not take the eventfd away from under event 2.
        expect(codeOf(await session.disarm(0))).toBe('noOpenWait');
        expect((await session.reinitialise()).succeeded).toBe(true);
        valueOf(await session.disarm(2));
      });
    });

    describe('hands out sessions', () => {
      it('that read both views of the config space, of the same device', async () => {
        const { rig, address, session } = await openFirst();
        const device = valueOf(await rig.devices()).find((one) => one.address === address);
        for (const view of ['vfio', 'hardware'] as const) {
          const bytes = valueOf(await session.readConfig(view));
          expect([256, 4096]).toContain(bytes.length);
          expect((bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8)).toBe(device?.vendorId);
        }
      });

      it('that write a register through VFIO, which the hardware then has', async () => {
        const { session } = await openFirst();
        const read = async (): Promise<number> =>
          wordAt(valueOf(await session.readConfig('hardware')), configOffset.command);
        const before = await read();
        expect(before & commandBit.busMaster).not.toBe(0);
        valueOf(await session.writeConfig(configOffset.command, 2, before & ~commandBit.busMaster));
        expect(await read()).toBe(before & ~commandBit.busMaster);
        valueOf(await session.writeConfig(configOffset.command, 2, before));
        expect(await read()).toBe(before);
      });

      it('that start the engine alone, and load from a BAR while it is mapped', async () => {
        const { session } = await openFirst();
        const started = await session.startEngine();
        const { verdict } = await session.prove();
        expect(codeOf(started)).toBe(verdict === 'notProven' ? 'notSupported' : 'none');
        const mapped: number[] = [];
        for (const bar of [0, 1, 2, 3, 4, 5]) {
          expect(codeOf(await session.loadMapped(bar, 0, 4))).toBe('malformedInput');
          if ((await session.mapBar(bar)).ok) mapped.push(bar);
        }
        expect(mapped.length).toBeGreaterThan(0);
        for (const bar of mapped) valueOf(await session.loadMapped(bar, 0, 4));
        await session.quiesce();
        for (const bar of mapped) expect(codeOf(await session.loadMapped(bar, 0, 4))).toBe('malformedInput');
      });

      it('that quiesce a device and bring it back', async () => {
        const { session } = await openFirst();
        expect((await session.quiesce()).succeeded).toBe(true);
        expect((await session.reinitialise()).succeeded).toBe(true);
        expect((await session.prove()).verdict).not.toBe('failed');
      });

      it('that read both views at once, and after each step of bringing a device back', async () => {
        const { rig, session } = await openFirst();
        const { at, vfio, hardware } = await session.readBothViews();
        expect(valueOf(vfio)).toEqual(valueOf(await session.readConfig('vfio')));
        expect(valueOf(hardware)).toEqual(valueOf(await session.readConfig('hardware')));
        const taken: string[] = [];
        let last = at;
        const report = await session.reinitialise((step, reading) => {
          taken.push(step);
          expect(reading.at).toBeGreaterThanOrEqual(last);
          expect(valueOf(reading.vfio).length).toBe(valueOf(vfio).length);
          expect(valueOf(reading.hardware).length).toBe(valueOf(hardware).length);
          last = reading.at;
        });
        expect(rig.clock.now()).toBeGreaterThanOrEqual(last);
        const did = report.steps.filter(({ result }) => result !== 'notNeeded').map(({ step }) => step);
        expect(taken).toEqual(did);
        expect(taken.length).toBeGreaterThan(1);
      });

      it('that refuse everything once they are closed', async () => {
        const { session, protocol } = await openFirst();
        valueOf(await session.close());
        const results = [
          await session.arm(protocol),
          await session.disarm(),
          await session.acknowledge(),
          await session.inspect(),
          await session.reset('device'),
          await session.eeh('getState'),
          await session.drainErrors(),
          await session.readConfig('vfio'),
          await session.readConfig('hardware'),
          await session.writeConfig(configOffset.command, 2, 0),
          await session.triggerLoopback(),
          await session.close(),
        ];
        expect(results.map(codeOf)).toEqual(results.map(() => 'sessionClosed'));
        const { vfio, hardware } = await session.readBothViews();
        expect([vfio, hardware].map(codeOf)).toEqual(['sessionClosed', 'sessionClosed']);
        expect((await session.quiesce()).succeeded).toBe(false);
        expect((await session.reinitialise()).succeeded).toBe(false);
        expect((await session.prove()).verdict).toBe('failed');
      });
    });

    describe('knows what it may harm', () => {
      it('and names the same device, with the functions that share its reset', async () => {
        const { rig, address, session } = await openFirst();
        const target = valueOf(await rig.faultTarget(address));
        expect(target).toMatchObject({ address, kind: 'endpoint', link: 'up', use: 'free' });
        expect(target.siblings.map((sibling) => sibling.address).sort()).toEqual(
          [...session.capabilities.sharers].sort(),
        );
      });

      it('and offers injectors, each with its faults or the reason why not', async () => {
        const { rig, address } = await openFirst();
        for (const offer of valueOf(await rig.injectors(address))) {
          if (offer.refusal === null) expect(offer.faults.length).toBeGreaterThan(0);
          else expect(offer.refusal.message).not.toBe('');
        }
      });
    });

    describe('loses a device', () => {
      it('that is pulled while it is open, and gets it back by a rescan where something can pull it', async () => {
        const subject = await openFirst();
        const { rig, address, session } = subject;
        const puller = valueOf(await rig.injectors(address)).find(
          ({ faults, refusal }) => refusal === null && faults.includes('unplug'),
        );
        if (puller === undefined) return expect(rig.info.kind).not.toBe('simulated');
        valueOf(await rig.inject({ address, injector: puller.injector, fault: { kind: 'unplug' } }));
        await eventOf(subject, 'deviceRemoved');
        expect((await session.prove()).verdict).toBe('failed');
        expect((await session.reset('device')).ok).toBe(false);
        valueOf(await session.close());
        const gone = valueOf(await rig.devices()).map((device) => device.address);
        expect(gone).not.toContain(address);
        expect(['deviceLost', 'unknownAddress']).toContain(codeOf(await rig.open(address)));
        expect(valueOf(await rig.rescan())).toContain(address);
        await eventOf(subject, 'deviceAdded');
        valueOf(await rig.bind(address, 'vfio-pci'));
        const back = valueOf(await rig.open(address));
        expect((await back.prove()).verdict).not.toBe('failed');
      });

      it('when its driver is taken away, and has it again with the driver', async () => {
        const rig = await fresh();
        const { address, driver } = await armableOf(rig);
        valueOf(await rig.bind(address, null));
        const without = valueOf(await rig.devices()).find((device) => device.address === address);
        expect(without).toMatchObject({ driver: null, protocols: [] });
        expect((await rig.open(address)).ok).toBe(false);
        valueOf(await rig.bind(address, driver));
        expect((await rig.open(address)).ok).toBe(true);
      });
    });

    describe('closes', () => {
      it('and refuses everything afterwards, its sessions too', async () => {
        const { rig, address, session } = await openFirst();
        await rig.close();
        expect(codeOf(await rig.devices())).toBe('rigClosed');
        expect(codeOf(await rig.open(address))).toBe('rigClosed');
        expect(codeOf(await rig.injectors(address))).toBe('rigClosed');
        expect(codeOf(await rig.rescan())).toBe('rigClosed');
        expect(codeOf(await session.readConfig('vfio'))).toBe('sessionClosed');
        expect(codeOf(await session.close())).toBe('sessionClosed');
      });

      it('twice without harm, and with a device that is armed', async () => {
        const { rig, session, protocol } = await openFirst();
        valueOf(await session.arm(protocol));
        await rig.close();
        await rig.close();
        expect(codeOf(await session.disarm())).toBe('sessionClosed');
      });

      it('and tells listeners nothing that was taken back', async () => {
        const rig = await fresh();
        const { address, protocol } = await armableOf(rig);
        const heard: RigEvent[] = [];
        const stop = rig.onEvent((event) => heard.push(event));
        stop();
        stop();
        const session = valueOf(await rig.open(address));
        valueOf(await session.arm(protocol));
        await session.triggerLoopback();
        await new Promise<void>((resolve) => rig.clock.at(rig.clock.now() + 10_000, resolve));
        expect(heard).toEqual([]);
      });
    });
  });
};
