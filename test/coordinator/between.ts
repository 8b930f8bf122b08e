import type { QuiesceReport } from '../../src-main/core/recovery/reports.ts';
import { failure } from '../../src-main/core/result.ts';
import type { DeviceSession, Rig } from '../../src-main/rigs/rig.ts';

/** The same rig, with some calls of its sessions answered otherwise. */
export const withSession = (rig: Rig, change: Partial<DeviceSession>): Rig => ({
  info: rig.info,
  clock: rig.clock,
  devices: () => rig.devices(),
  open: async (address) => {
    const opened = await rig.open(address);
    return opened.ok ? { ok: true, value: { ...opened.value, ...change } } : opened;
  },
  injectors: (address) => rig.injectors(address),
  faultTarget: (address) => rig.faultTarget(address),
  inject: (fault) => rig.inject(fault),
  bind: (address, driver) => rig.bind(address, driver),
  rescan: () => rig.rescan(),
  onEvent: (listener) => rig.onEvent(listener),
  close: () => rig.close(),
});

/** Whoever waits for the signals takes nothing: the coordinator carries the policy out itself. */
export const notHandedDown = {
  handDown: () => Promise.resolve(failure('notSupported', 'Nothing can be handed down here.')),
};

export const notQuiet = Promise.resolve<QuiesceReport>({
  succeeded: false,
  actions: [
    { action: 'touchingStopped', result: 'done' },
    {
      action: 'transactionsDrained',
      result: 'failed',
      error: { code: 'busy', message: 'The device still has transactions pending.' },
    },
  ],
});
