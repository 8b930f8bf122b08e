import type { Protocol } from '../../../src-main/core/recovery/phase.ts';
import { hazardWords, type AuditHazardKind } from '../../../src-main/core/restore/hazardWords.ts';
import { readStep, type StepText } from './stepText.ts';

/** One of the ways there are at a step: what the scenario does is `taken`. */
export interface Way {
  readonly title: string;
  readonly consequence: string;
  readonly taken: boolean;
}

export interface Meaning {
  /** What the step does, in one sentence. */
  readonly does: string;
  /** What else could be done here and what would come of it; empty where there is nothing to choose. */
  readonly ways: readonly Way[];
}

const withNotify: readonly Omit<Way, 'taken'>[] = [
  {
    title: 'Acknowledge',
    consequence: 'NEED_RESET: the kernel resets the slot and signals once more when slot_reset ran.',
  },
  {
    title: 'Let it expire',
    consequence: 'CAN_RECOVER after the wait; a fatal error is reset anyway and no second signal comes.',
  },
  {
    title: 'Withdraw',
    consequence: 'The eventfd is removed; the kernel still waits out its time.',
  },
];

const userDriven: readonly Omit<Way, 'taken'>[] = [
  {
    title: 'Reset',
    consequence: 'User space resets the function; then the registers are put back and proven.',
  },
  {
    title: 'Let it be',
    consequence: 'Nobody resets it: the device stays as the error left it until the bench gives up.',
  },
  {
    title: 'Withdraw',
    consequence: 'The eventfd is removed; further errors of this device are not heard.',
  },
];

const waysOf = (protocol: Protocol, taken: string): readonly Way[] =>
  (protocol === 'notify' ? withNotify : userDriven).map((way) => ({ ...way, taken: way.title === taken }));

const resetNames: Readonly<Record<string, string>> = {
  device: 'this function by itself (VFIO_DEVICE_RESET)',
  hot: 'every function of the slot or bus (VFIO_DEVICE_PCI_HOT_RESET)',
  peHot: 'the PE, with a hot reset',
  peFundamental: 'the PE, with a fundamental reset (PERST)',
};

const armed: Readonly<Record<string, string>> = {
  notify: 'registers the eventfd of error index 5: from now on the kernel waits for an ack',
  legacy: 'registers the eventfd of error index 3: the kernel signals and does not wait',
  mediated:
    'registers the eventfd of error index 3: the kernel signals and leaves the recovery to user space',
  eeh: 'registers for EEH: a PE that freezes stays frozen until user space resets it',
};

const policies: Readonly<Record<string, string>> = {
  askPerson: 'a person decides',
  ackWhenQuiesced: 'the bench decides by itself once the device is quiet',
  neverAck: 'nobody decides, and the time runs out',
};

const injected = ({ words }: StepText): string => {
  if (words['error'] !== undefined) {
    const severity =
      words['severity'] === 'nonFatal'
        ? 'non-fatal '
        : words['severity'] === undefined
          ? ''
          : `${words['severity']} `;
    return `Makes the device report the ${severity}AER error ${words['error']}.`;
  }
  if (words['zpciDma'] !== undefined) {
    const where: Readonly<Record<string, string>> = {
      unmapped: 'an address that is not mapped',
      belowAperture: 'an address below the DMA aperture',
      aboveAperture: 'an address above the DMA aperture',
    };
    return `Lets the device do DMA to ${where[words['zpciDma']] ?? words['zpciDma']}; the platform refuses it.`;
  }
  if (words['eeh'] !== undefined) return 'Freezes the PE; all its reads give ones from now on.';
  if (words['loopback'] !== undefined)
    return 'Triggers the eventfd itself: a signal with no error behind it.';
  if (words['unplug'] !== undefined) return 'Pulls the device out of its slot.';
  return 'Causes a fault.';
};

const expected = ({ words }: StepText): string => {
  const within = words['within'] === undefined ? '' : ` within ${words['within']}`;
  const of = (key: string): string => words[key] ?? '';
  if (words['phase'] !== undefined) return `Waits until the phase is ${of('phase')}${within}.`;
  if (words['outcome'] !== undefined) return `Waits until the recovery ends as ${of('outcome')}${within}.`;
  if (words['reason'] !== undefined)
    return `Waits until the bench gives the reason ${of('reason')}${within}.`;
  if (words['uevent'] !== undefined) return `Waits for the kernel’s uevent ${of('uevent')}${within}.`;
  if (words['kernelLog'] !== undefined)
    return `Waits until the kernel log says “${of('kernelLog')}”${within}.`;
  if (words['silence'] !== undefined) return `Waits ${of('silence')}, in which no further signal may come.`;
  if (words['register'] !== undefined) {
    const value =
      { asArmed: 'what it was when armed', notAsArmed: 'something else than when armed' }[of('value')] ??
      of('value');
    return `Reads the register ${of('register')}, which must hold ${value}.`;
  }
  if (words['proof'] !== undefined) {
    const failing = words['failing'] === undefined ? '' : `, failing ${of('failing').replace(/[[\]]/g, '')}`;
    const verdict =
      { proven: 'proven', notProven: 'not proven', failed: 'failed' }[of('proof')] ?? of('proof');
    return `Looks at the last proof of the device: ${verdict}${failing}.`;
  }
  if (words['hazard'] !== undefined) {
    const hazard = hazardWords[of('hazard') as AuditHazardKind]?.title ?? of('hazard');
    const state = { passed: 'to have been put right', absent: 'nowhere' }[of('state')] ?? 'to be there now';
    return `The audit of what came back must find ${state}: “${hazard}”`;
  }
  if (words['mapped'] !== undefined) {
    return `Loads from the mapping of BAR ${of('mapped')}, which must read ${of('value')}.`;
  }
  if (words['delivery'] !== undefined) {
    return words['delivery'] === 'lost'
      ? 'The fault before must have been lost on its way to the kernel.'
      : 'The kernel must have been told of the fault before.';
  }
  if (words['severity'] !== undefined) return `The bench must have read the severity ${of('severity')}.`;
  if (words['errors'] !== undefined) {
    return `The bench must have read the errors ${of('errors').replace(/[[\]]/g, '')}.`;
  }
  if (words['spuriousSignals'] !== undefined) {
    return `The bench must have counted ${of('spuriousSignals')} signal with nothing behind it${within}.`;
  }
  return 'Looks whether the rig is as expected.';
};

const expectedWays = ({ words }: StepText, protocol: Protocol): readonly Way[] => {
  if (words['outcome'] !== 'timedOut') return [];
  return waysOf(protocol, protocol === 'notify' ? 'Let it expire' : 'Let it be');
};

const plain = (does: string): Meaning => ({ does, ways: [] });

const deed = (step: StepText, protocol: Protocol): Meaning => {
  const { verb, words, value } = step;
  const because = words['reason'] === undefined ? '' : ` Its reason in the journal: “${words['reason']}”.`;
  switch (verb) {
    case 'arm': {
      const policy = policies[words['policy'] ?? 'askPerson'] ?? '';
      return plain(`Opens the device and ${armed[words['protocol'] ?? protocol] ?? 'arms it'}; ${policy}.`);
    }
    case 'inject':
      return plain(injected(step));
    case 'expect':
      return { does: expected(step), ways: expectedWays(step, protocol) };
    case 'ack':
      return { does: `Acknowledges: the kernel may go on.${because}`, ways: waysOf(protocol, 'Acknowledge') };
    case 'withdraw':
      return {
        does: `Removes the eventfd in the middle of it.${because}`,
        ways: waysOf(protocol, 'Withdraw'),
      };
    case 'reset': {
      const kind = resetNames[words['kind'] ?? 'device'] ?? words['kind'] ?? '';
      return {
        does: `Resets ${kind}.${because}`,
        // With notify a reset of one's own is none of the kernel's three ways.
        ways: protocol === 'notify' ? [] : waysOf(protocol, 'Reset'),
      };
    }
    case 'wait':
      return plain(`Lets ${value} go by on the rig’s clock.`);
    case 'quiesce':
      return plain(
        'Stops using the device: BARs unmapped, bus master and MSI-X off, until nothing is pending.',
      );
    case 'reinitialise':
      return plain(
        'Puts the registers back in the one order that works: COMMAND, DEVICE_RESET, COMMAND, DevCtl, set-up.',
      );
    case 'prove':
      return plain('Lets the device do DMA and raise an interrupt, and looks whether both arrive.');
    case 'disarm':
      return plain('Removes the eventfd; errors of this device are not heard any more.');
    case 'open':
      return plain('Opens the device without arming it.');
    case 'close':
      return plain('Closes the device, as a program that ends does.');
    case 'rescan':
      return plain('Rescans the bus; a device that was pulled comes back.');
    case 'bind': {
      const driver = words['driver'] ?? 'null';
      return plain(
        driver === 'null' ? 'Takes the driver away from the device.' : `Binds the device to ${driver}.`,
      );
    }
    case 'writeRegister':
      return plain(`Writes ${words['value'] ?? ''} to the register ${words['register'] ?? ''}.`);
    case 'enableTph':
      return plain('Turns TPH on, as a kernel that lets user space do so would.');
    case 'startEngine':
      return plain(
        'Starts the device’s engine and sets up nothing else, as a driver that trusts the restore does.',
      );
    case 'mapBar':
      return plain(
        `Maps BAR ${words['bar'] ?? ''} and leaves it mapped, as a program that does not quiesce.`,
      );
    case 'look':
      return plain('Keeps the config space as it is now, in both views, for the audit.');
    case 'strayTrigger':
      return plain('Triggers the eventfd behind the bench’s back: a signal that nobody announced.');
    case 'slowReader':
      return plain(`Lets the reader of the eventfd take ${words['takes'] ?? ''}, so that signals coalesce.`);
    default:
      return plain('Plays the step as it is written.');
  }
};

/** What a step will do, and at a decision what comes of each choice. */
export const meaningOf = (text: string, protocol: Protocol): Meaning => {
  const step = readStep(text);
  const { does, ways } = deed(step, protocol);
  const { device, refused } = step.words;
  const where = device === undefined ? '' : ` On ${device}.`;
  if (refused === undefined) return { does: `${does}${where}`, ways };
  return {
    does: `${does}${where} It must be refused (${refused}), and nothing may come of it.`,
    ways: [],
  };
};
