import type { ProfileName } from '../../src-main/rigs/simulated/kernel/profile.ts';
import type { WrittenStep } from './stage.ts';

/** One way to break a scenario: leave a step out, or do something else in its place. */
export interface Break {
  /** The step as `scenario show` prints it; the first one of that text. */
  readonly step: string;
  readonly instead?: readonly WrittenStep[];
  /** Where it makes a difference; absent: on every profile of the scenario. The first one is always among them. */
  readonly on?: readonly ProfileName[];
}

const drop = (step: string): Break => ({ step });
const replace = (step: string, ...instead: readonly WrittenStep[]): Break => ({ step, instead });

const nonFatal = 'inject: { severity: nonFatal, error: COMP_TIME }';
const fatal = 'inject: { severity: fatal, error: MALF_TLP }';
const asNonFatal = { inject: { severity: 'nonFatal', error: 'COMP_TIME' } };

/** What each scenario's story rests on, and how it is broken. Each of these has to make the scenario fail. */
export const keySteps: Readonly<Record<string, readonly Break[]>> = {
  'eeh-freeze-and-recover': [
    drop('inject: { eeh: freeze }'),
    drop('reset: { kind: peHot, reason: first freeze of the day }'),
    drop('reinitialise'),
  ],
  'eeh-fundamental-reset': [
    drop("reset: { kind: peFundamental, reason: the adapter's manual asks for it }"),
    drop('reinitialise'),
    drop("reinitialise: { device: '0001:01:00.1' }"),
  ],
  'hot-reset-two-functions': [
    drop('reset: { kind: hot, reason: firmware update }'),
    // A reset of function 0 alone leaves function 1 as it was.
    replace('reset: { kind: hot, reason: firmware update }', { reset: { kind: 'device', reason: 'alone' } }),
    drop('reinitialise'),
    drop("reinitialise: { device: '0000:01:00.1' }"),
    drop("close: { device: '0000:01:00.1' }"),
    drop("bind: { device: '0000:01:00.1', driver: null }"),
  ],
  'legacy-fatal': [
    replace(fatal, asNonFatal),
    drop('writeRegister: { register: command, value: 0x0106 }'),
    drop('reset: { reason: lab demo }'),
    drop('reinitialise'),
  ],
  'legacy-non-fatal': [
    replace(nonFatal, { inject: { severity: 'fatal', error: 'MALF_TLP' } }),
    drop('reinitialise'),
  ],
  'mediated-busy-then-reset': [
    drop('inject: { zpciDma: belowAperture }'),
    replace('arm: { protocol: mediated, policy: ackWhenQuiesced, afterReset: reinitialise }', {
      arm: { protocol: 'mediated', policy: 'neverAck' },
    }),
  ],
  'mediated-error-while-closed': [
    drop('inject: { zpciDma: unmapped }'),
    // From 7.3 on an open function is mediated: the kernel announces no success.
    {
      ...replace('inject: { zpciDma: unmapped }', 'open', { inject: { zpciDma: 'unmapped' } }),
      on: ['zpci-7.3'],
    },
    drop('open'),
    drop('prove'),
  ],
  'mediated-four-unread-and-a-fifth': [
    drop('inject: { zpciDma: belowAperture }'),
    drop('inject: { zpciDma: unmapped }'),
    drop('reset: { reason: out of the first error }'),
    drop('reset: { reason: all four are read }'),
    drop('arm: { protocol: mediated }'),
  ],
  'mediated-recovery': [
    drop('inject: { zpciDma: unmapped }'),
    drop('reset: { reason: approved after reading the record }'),
    drop('reinitialise'),
  ],
  'mediated-spurious-signal': [drop('inject: { loopback: true }'), drop('strayTrigger')],
  'multi-function-legacy-sibling': [
    drop(fatal),
    drop(
      "arm: { protocol: legacy, device: '0000:01:00.1', policy: ackWhenQuiesced, afterReset: reinitialise }",
    ),
    replace('arm: { protocol: notify, policy: ackWhenQuiesced, afterReset: reinitialise }', {
      arm: { protocol: 'notify', policy: 'neverAck' },
    }),
  ],
  'multi-function-serial': [
    drop('ack: { reason: function 0 is quiet }'),
    drop("arm: { protocol: notify, device: '0000:01:00.1', policy: neverAck, afterReset: reinitialise }"),
  ],
  'notify-closed-during-wait': [
    drop('close'),
    replace('close', { withdraw: { reason: 'not the same' } }),
    replace('close', { ack: { reason: 'not the same' } }),
  ],
  'notify-driverless-sibling': [
    drop("bind: { device: '0000:01:00.1', driver: null }"),
    replace('arm: { protocol: notify, policy: ackWhenQuiesced, afterReset: reinitialise }', {
      arm: { protocol: 'notify', policy: 'neverAck' },
    }),
  ],
  'notify-fatal-acknowledged': [
    drop('ack: { reason: lab demo }'),
    replace('ack: { reason: lab demo }', { withdraw: { reason: 'not the same' } }),
    replace(fatal, asNonFatal),
    drop('reinitialise'),
  ],
  'notify-fatal-timed-out': [
    replace('arm: { protocol: notify, policy: neverAck }', {
      arm: { protocol: 'notify', policy: 'ackWhenQuiesced' },
    }),
    replace(fatal, asNonFatal),
    drop('reinitialise'),
  ],
  'notify-non-fatal-acknowledged': [
    drop(nonFatal),
    replace('arm: { protocol: notify, policy: ackWhenQuiesced, afterReset: reinitialise }', {
      arm: { protocol: 'notify', policy: 'neverAck' },
    }),
    replace('arm: { protocol: notify, policy: ackWhenQuiesced, afterReset: reinitialise }', {
      arm: { protocol: 'notify', policy: 'ackWhenQuiesced' },
    }),
  ],
  'notify-non-fatal-timed-out': [
    replace('arm: { protocol: notify, policy: neverAck }', {
      arm: { protocol: 'notify', policy: 'ackWhenQuiesced' },
    }),
    replace(nonFatal, { inject: { severity: 'fatal', error: 'MALF_TLP' } }),
    drop('reinitialise'),
  ],
  'notify-two-errors-one-read': [
    drop('slowReader: { takes: 6500ms }'),
    drop(nonFatal),
    drop('ack: { reason: the second one is still waiting }'),
  ],
  'notify-withdrawn': [
    drop('withdraw: { reason: the rig is needed for something else }'),
    replace('withdraw: { reason: the rig is needed for something else }', {
      ack: { reason: 'not the same' },
    }),
    replace('withdraw: { reason: the rig is needed for something else }', 'close'),
  ],
  'restore-all-ones': [drop('inject: { eeh: freeze }'), drop('reinitialise')],
  'restore-error-status-kept': [
    replace(fatal, asNonFatal),
    drop('writeRegister: { register: PCI Express/deviceControl, value: 0x000f }'),
    // A restore of the kernel clears the status.
    replace('writeRegister: { register: PCI Express/deviceControl, value: 0x000f }', 'reinitialise'),
  ],
  'restore-mapping-reads-zero': [
    drop('mapBar: { bar: 4 }'),
    // Who listens quiesces, and has no mapping left.
    drop('disarm'),
    drop(fatal),
    drop('writeRegister: { register: command, value: 0x0506 }'),
    drop('reinitialise'),
  ],
  'restore-memory-off-msix-kept': [
    drop('reset: { reason: what QEMU does before a guest reset }'),
    drop('writeRegister: { register: command, value: 0x0506 }'),
    drop('startEngine'),
  ],
  'restore-memory-off-msix-on': [
    drop('writeRegister: { register: command, value: 0x0504 }'),
    drop('reset: { reason: what QEMU does before a guest reset }'),
    drop('startEngine'),
    drop('reinitialise'),
  ],
  'restore-msix-kernel-only': [
    // Who listens quiesces, and the kernel knows that MSI-X is off.
    drop('disarm'),
    drop(fatal),
    drop('startEngine'),
    drop('reinitialise'),
  ],
  'restore-poisoned-save': [
    // COMMAND first makes vfio restore the BARs, and the save is a good one.
    replace(
      'reset: { reason: the wrong order on purpose }',
      { writeRegister: { register: 'command', value: 0x0106 } },
      { reset: { reason: 'the right order' } },
    ),
    replace('arm: { protocol: notify, policy: neverAck }', {
      arm: { protocol: 'notify', policy: 'ackWhenQuiesced' },
    }),
    drop('reinitialise'),
  ],
  'restore-reporting-off': [
    replace(fatal, asNonFatal),
    replace(
      'writeRegister: { register: command, value: 0x0506 }',
      { writeRegister: { register: 'command', value: 0x0506 } },
      { writeRegister: { register: 'PCI Express/deviceControl', value: 0x000f } },
    ),
    drop('reset: { reason: the whole order after all }'),
    drop('reinitialise'),
  ],
  'restore-snapshot-in-slot-reset': [drop('ack: { reason: lab demo }'), drop('reinitialise')],
  'restore-tph-trap': [
    drop('enableTph: { control: 0x101 }'),
    drop('ack: { reason: lab demo }'),
    drop('reinitialise'),
  ],
  'shared-switch-blocked': [
    replace('arm: { protocol: notify, policy: neverAck }', {
      arm: { protocol: 'notify', policy: 'ackWhenQuiesced' },
    }),
    drop("inject: { severity: nonFatal, error: COMP_TIME, device: '0000:04:00.0' }"),
  ],
  'unplug-against-rescan': [
    drop('reset: { kind: device, reason: in place }'),
    drop('inject: { unplug: true }'),
    drop('rescan'),
    drop('bind: { driver: vfio-pci }'),
  ],
  'unplug-during-wait': [drop('inject: { unplug: true }'), replace('inject: { unplug: true }', 'close')],
};

/** The steps of a scenario with one of them broken; null when it has no such step. */
export const broken = (
  steps: readonly WrittenStep[],
  lines: readonly string[],
  { step, instead = [] }: Break,
): readonly WrittenStep[] | null => {
  const at = lines.indexOf(step);
  return at === -1 ? null : [...steps.slice(0, at), ...instead, ...steps.slice(at + 1)];
};
