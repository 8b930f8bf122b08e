import { correctableErrors, uncorrectableErrors, type AerError } from '../../src-main/core/pci/aer.ts';
import type { Fault, InjectorName, InjectorOffer } from '../../src-main/core/faults/fault.ts';

/** A row of the list that a fault is chosen from. */
export interface FaultChoice {
  readonly key: string;
  readonly group: string;
  readonly name: string;
  readonly severity: 'correctable' | 'nonFatal' | 'fatal' | null;
  readonly meaning: string;
  readonly kind: Fault['kind'];
  /** The AER error behind it; its severity can be chosen. */
  readonly aer: AerError | null;
  readonly where: Extract<Fault, { kind: 'zpciDma' }>['where'] | null;
}

const aerChoice = (error: AerError): FaultChoice => ({
  key: `aer ${error.name}`,
  group: error.kind === 'uncorrectable' ? 'AER, uncorrectable' : 'AER, correctable',
  name: error.name,
  severity: error.defaultSeverity,
  meaning: error.meaning,
  kind: 'aer',
  aer: error,
  where: null,
});

const plain = (
  kind: Exclude<Fault['kind'], 'aer'>,
  group: string,
  name: string,
  meaning: string,
  where: FaultChoice['where'] = null,
): FaultChoice => ({
  key: where === null ? kind : `${kind} ${where}`,
  group,
  name,
  severity: null,
  meaning,
  kind,
  aer: null,
  where,
});

const all: readonly FaultChoice[] = [
  ...uncorrectableErrors.map(aerChoice),
  ...correctableErrors.map(aerChoice),
  plain(
    'zpciDma',
    'zPCI',
    'DMA, unmapped',
    'To an address inside the aperture that is not mapped: PEC 0x4, the function is in error.',
    'unmapped',
  ),
  plain(
    'zpciDma',
    'zPCI',
    'DMA, below',
    'To an address below the aperture: PEC 0x2, the function is in error.',
    'belowAperture',
  ),
  plain(
    'zpciDma',
    'zPCI',
    'DMA, above',
    'To an address above the aperture: QEMU drops it silently, and no error comes.',
    'aboveAperture',
  ),
  plain('eehFreeze', 'EEH', 'Freeze', 'The PE freezes: all reads give ones until it is reset.'),
  plain(
    'loopback',
    'Eventfd',
    'Loop-back',
    'ACTION_TRIGGER: the eventfd is signalled and nothing else happens; it shows that signals get through.',
  ),
  plain('unplug', 'Slot', 'Unplug', 'The device is pulled out; a rescan brings it back.'),
];

export const injectorsFor = (
  offers: readonly InjectorOffer[],
  kind: Fault['kind'],
): readonly InjectorOffer[] => offers.filter(({ faults }) => faults.includes(kind));

/** What the rig's injectors can cause on this device; without AER counters there is no AER capability to report by. */
export const faultChoices = (offers: readonly InjectorOffer[], hasAer: boolean): readonly FaultChoice[] =>
  all.filter(({ kind }) => injectorsFor(offers, kind).length > 0 && (kind !== 'aer' || hasAer));

/**
 * What a bench is most often asked for: an error that stops the device. Also while the kernel waits and all but pulling
 * the device is refused: nobody should pull it with Enter.
 */
export const firstChoice = (choices: readonly FaultChoice[]): FaultChoice | null => {
  const wanted = ['aer MALF_TLP', 'zpciDma unmapped', 'eehFreeze', 'loopback'];
  for (const key of wanted) {
    const found = choices.find((choice) => choice.key === key);
    if (found !== undefined) return found;
  }
  return choices[0] ?? null;
};

export type ChosenSeverity = 'default' | 'nonFatal' | 'fatal';

/** `default` leaves the device's severity register as it is. */
export const faultOf = (choice: FaultChoice, severity: ChosenSeverity): Fault => {
  switch (choice.kind) {
    case 'aer': {
      const correctable = choice.aer?.kind === 'correctable';
      return {
        kind: 'aer',
        error: choice.name,
        severity: correctable || severity === 'default' ? null : severity,
      };
    }
    case 'zpciDma':
      return { kind: 'zpciDma', where: choice.where ?? 'unmapped' };
    case 'eehFreeze':
    case 'loopback':
    case 'unplug':
      return { kind: choice.kind };
  }
};

export const injectorWords: Readonly<Record<InjectorName, string>> = {
  loopback: 'loopback: VFIO ACTION_TRIGGER',
  aerInject: 'aerInject: the aer_inject module',
  qemuMonitor: 'qemuMonitor: pcie_aer_inject_error',
  badDma: 'badDma: a DMA that the IOMMU refuses',
  simulated: 'simulated: the simulated hardware',
};
