import { findAerError } from '../../core/pci/aer.ts';
import { aerRegister } from '../../core/pci/capability-registers.ts';
import { aboveApertureRefusal, expectedEventCode } from '../../core/faults/badDma.ts';
import type { Fault, FaultReceipt, FaultRequest } from '../../core/faults/fault.ts';
import { failure, success, type Result } from '../../core/result.ts';
import type { RoutedError } from './hardware/hierarchy.ts';
import type { AerService } from './kernel/aerService.ts';
import { freeze, type PartitionableEndpoint } from './kernel/eeh.ts';
import { unplug } from './kernel/hotplug.ts';
import type { Machine } from './kernel/machine.ts';
import type { PciDevice } from './kernel/pciDevice.ts';
import { functionHandleOf, zpciErrorEvent } from './kernel/zpciEvents.ts';
import { benchIova, type SimulatedVfioDevice } from './simulatedVfioDevice.ts';

/** What causing a fault needs of the rig. */
export interface FaultSite {
  readonly machine: Machine;
  readonly aer: AerService;
  readonly device: PciDevice;
  readonly endpoint: PartitionableEndpoint | null;
  /** The open device, and the open devices of the same PE. */
  readonly open: SimulatedVfioDevice | null;
  readonly openInPartition: readonly SimulatedVfioDevice[];
}

type Delivery = FaultReceipt['delivery'];

const deliveryOf = (routed: RoutedError): Delivery => {
  if (routed.kind === 'reported') {
    return {
      kind: 'reported',
      detail: `The root port ${routed.rootPort.description.address} interrupts the kernel.`,
    };
  }
  switch (routed.at) {
    case 'masked':
      return { kind: 'lost', where: 'masked', detail: 'The error is masked in the AER capability.' };
    case 'deviceControl':
      return {
        kind: 'lost',
        where: 'deviceControl',
        detail: 'DevCtl does not report errors of this severity.',
      };
    case 'serr':
      return { kind: 'lost', where: 'serr', detail: 'COMMAND.SERR is off: uncorrectable errors vanish.' };
    default:
      return { kind: 'lost', where: 'platform', detail: `The message ended on its way up (${routed.at}).` };
  }
};

const raiseAer = (site: FaultSite, fault: Extract<Fault, { kind: 'aer' }>): Result<Delivery> => {
  const { fn } = site.device;
  const error = findAerError(fault.error);
  if (error === undefined) return failure('malformedInput', `There is no AER error "${fault.error}".`);
  if (fn.aerCapability !== 0 && error.kind === 'uncorrectable' && fault.severity !== null) {
    const at = fn.aerCapability + aerRegister.uncorrectableSeverity;
    const others = fn.readConfig(at, 4) & ~error.mask;
    fn.writeConfig(at, 4, (fault.severity === 'fatal' ? others | error.mask : others) >>> 0);
  }
  return success(deliveryOf(site.aer.raise(site.device, error)));
};

/** A DMA of the device to an address that zPCI refuses (kernel-facts-s390x, "observed"). */
const zpciDma = (site: FaultSite, where: Extract<Fault, { kind: 'zpciDma' }>['where']): Result<Delivery> => {
  if (where === 'aboveAperture') return aboveApertureRefusal;
  const error = {
    eventCode: expectedEventCode[where],
    failingAddress: where === 'belowAperture' ? 0x1000n : BigInt(benchIova) + 0x1_3000_0000n,
    functionHandle: functionHandleOf(site.device),
  };
  site.machine.run(zpciErrorEvent(site.machine, site.device, error));
  return success({
    kind: 'reported',
    detail: `Firmware reports event code 0x${error.eventCode.toString(16)}.`,
  });
};

const eehFreeze = (site: FaultSite): Result<Delivery> => {
  const { endpoint } = site;
  if (endpoint === null) {
    return failure('injectionRefused', `${site.device.address} is in no PE: this platform has no EEH.`);
  }
  freeze(site.machine, endpoint);
  for (const device of site.openInPartition) device.signalAtNextPoll();
  return success({ kind: 'reported', detail: `PE#${endpoint.number} is frozen; the next poll sees it.` });
};

const loopback = async (site: FaultSite, trigger: () => Promise<Result<void>>): Promise<Result<Delivery>> => {
  if (site.open === null) return failure('injectionRefused', `${site.device.address} is not open.`);
  const triggered = await trigger();
  return triggered.ok
    ? success({
        kind: 'reported',
        detail: 'The kernel signalled the eventfd; nothing happened to the device.',
      })
    : triggered;
};

/** Causes one fault on the simulated hardware. */
export const causeFault = async (
  site: FaultSite,
  request: FaultRequest,
  trigger: () => Promise<Result<void>>,
): Promise<Result<FaultReceipt>> => {
  const { fault, injector } = request;
  const cause = async (): Promise<Result<Delivery>> => {
    switch (fault.kind) {
      case 'aer':
        return raiseAer(site, fault);
      case 'zpciDma':
        return zpciDma(site, fault.where);
      case 'eehFreeze':
        return eehFreeze(site);
      case 'loopback':
        return loopback(site, trigger);
      case 'unplug':
        site.machine.run(unplug(site.machine, site.device));
        return success({ kind: 'reported', detail: 'The device is pulled.' });
    }
  };
  const refusal = unfit(site, request);
  if (refusal !== null) return refusal;
  const at = site.machine.clock.now();
  const delivery = await cause();
  return delivery.ok ? success({ at, injector, fault, delivery: delivery.value }) : delivery;
};

/** An injector or a fault that this rig does not have; a loop-back also comes through the general injector. */
const unfit = (site: FaultSite, { injector, fault }: FaultRequest): ReturnType<typeof failure> | null => {
  if (injector !== 'simulated' && injector !== 'loopback') {
    return failure('injectorUnavailable', `A simulated rig has no injector "${injector}"; use "simulated".`);
  }
  const offered = injector === 'simulated' ? faultsOf(site.machine) : [];
  if (fault.kind === 'loopback' || offered.includes(fault.kind)) return null;
  return failure(
    'injectionRefused',
    `The injector "${injector}" cannot cause a fault of the kind "${fault.kind}" here; it can cause ${[...offered, 'loopback'].join(', ')}.`,
  );
};

/** Which faults a platform knows. */
export const faultsOf = (machine: Machine): readonly Fault['kind'][] => {
  switch (machine.profile.platform) {
    case 'aer':
      return ['aer', 'unplug'];
    case 'zpci':
      return ['zpciDma', 'unplug'];
    case 'eeh':
      return ['eehFreeze', 'unplug'];
  }
};
