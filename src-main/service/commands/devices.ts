import { attempt } from '../../coordinator/attempt.ts';
import { failure, success } from '../../core/result.ts';
import { encodeBytes } from './encodeBytes.ts';
import type { HandlersOf } from './handler.ts';
import { spendToken } from './tokens.ts';
import { driverVerdict, namedDriver } from './drivers.ts';

export const deviceCommands: HandlersOf<
  | 'arm'
  | 'disarm'
  | 'closeDevice'
  | 'bind'
  | 'rescan'
  | 'setPolicy'
  | 'injectors'
  | 'quiesce'
  | 'reinitialise'
  | 'prove'
  | 'readConfig'
> = {
  arm: async ({ rig, device, protocol, policy }, { bench }) => {
    const held = bench.device(rig, device);
    return held.ok ? held.value.coordinator.arm(device, protocol, policy) : held;
  },

  disarm: async ({ rig, device }, { bench }) => {
    const held = bench.device(rig, device);
    return held.ok ? held.value.coordinator.disarm(device) : held;
  },

  closeDevice: async ({ rig, device }, { bench }) => {
    const held = bench.device(rig, device);
    if (!held.ok) return held;
    // The kernel takes a close for an ack (observation 10), and an ack needs a person's word on the record.
    if (held.value.waitsFor(device)) {
      const message = `The kernel waits for an ack of ${device} and would take the close for one; acknowledge or withdraw first.`;
      return held.value.refuse(device, 'close', failure('waitOpen', message).error);
    }
    return held.value.coordinator.close(device);
  },

  bind: async ({ rig, device, token, driver: asked }, { bench, caller }) => {
    const found = bench.device(rig, device);
    if (!found.ok) return found;
    const held = found.value;
    const confirmed = spendToken(bench, caller, held, { token, action: 'unbind', device });
    if (!confirmed.ok) return confirmed;
    const named = namedDriver(held, device, asked);
    if (!named.ok) return held.refuse(device, 'bind', named.error);
    const driver = named.value;
    const { refusal } = await driverVerdict(held, device, driver);
    if (refusal !== null) return held.refuse(device, 'bind', refusal);
    const before = held.devices.devices.find(({ address }) => address === device)?.driver ?? null;
    const bound = await held.operate(device, 'bind', { driver }, () => held.rig.bind(device, driver));
    if (bound.ok) held.previousDrivers.set(device, before);
    await held.devices.refresh();
    return bound;
  },

  rescan: async ({ rig }, { bench }) => {
    const held = bench.rig(rig);
    if (!held.ok) return held;
    const { recorder, devices } = held.value;
    const noted = recorder.record({
      type: 'kernelLog',
      device: null,
      text: 'The bench asks for a rescan of the bus (/sys/bus/pci/rescan).',
    });
    if (!noted.ok) return noted;
    const back = await attempt('rescan', () => held.value.rig.rescan());
    await devices.refresh();
    const text = back.ok
      ? `The rescan brought back ${back.value.join(', ') || 'nothing'}.`
      : `The rescan failed: ${back.error.message}`;
    recorder.record({ type: 'kernelLog', device: null, text });
    return back;
  },

  setPolicy: async ({ rig, device, policy }, { bench }) => {
    const held = bench.device(rig, device);
    return held.ok ? held.value.coordinator.setPolicy(device, policy) : held;
  },

  injectors: async ({ rig, device }, { bench }) => {
    const held = bench.device(rig, device);
    return held.ok ? attempt('injectors', () => held.value.rig.injectors(device)) : held;
  },

  quiesce: async ({ rig, device }, { bench }) => {
    const held = bench.device(rig, device);
    return held.ok ? held.value.coordinator.quiesce(device) : held;
  },

  reinitialise: async ({ rig, device }, { bench }) => {
    const held = bench.device(rig, device);
    return held.ok ? held.value.coordinator.reinitialise(device) : held;
  },

  prove: async ({ rig, device }, { bench }) => {
    const held = bench.device(rig, device);
    return held.ok ? held.value.coordinator.prove(device) : held;
  },

  readConfig: async ({ rig, device, view }, { bench }) => {
    const held = bench.device(rig, device);
    if (!held.ok) return held;
    const session = held.value.coordinator.session(device);
    if (session === null) return failure('sessionClosed', `${device} is not open; arm it first.`);
    const config = await attempt('readConfig', () => session.readConfig(view));
    return config.ok ? success({ device, view, bytes: encodeBytes(config.value) }) : config;
  },
};
