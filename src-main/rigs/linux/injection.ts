import type { BadDmaPlace } from '../../core/faults/badDma.ts';
import type { FaultReceipt, FaultRequest, InjectorOffer } from '../../core/faults/fault.ts';
import { findAerError, type AerError } from '../../core/pci/aer.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { longAt } from '../../core/pci/bytes.ts';
import { findExtendedCapability } from '../../core/pci/capabilities.ts';
import { aerRegister } from '../../core/pci/capability-registers.ts';
import { extendedCapabilityId } from '../../core/pci/capability-ids.ts';
import { done, failure, success, type BenchError, type Result } from '../../core/result.ts';
import { aerInjectTrouble } from '../../kernel/injection/aerInject.ts';
import { readLiveConfig } from '../../kernel/sysfs/configSpace.ts';
import type { HostTree } from '../../kernel/sysfs/hostTree.ts';
import type { PciFunction } from '../../kernel/sysfs/pciFunction.ts';
import type { FaultWitness } from '../faultWitness.ts';
import type { DeviceSession, Rig, RigClock } from '../rig.ts';
import type { BadDma } from './badDma.ts';
import { ZpciWitness } from './zpciWitness.ts';

export interface InjectionNeeds {
  readonly tree: HostTree;
  readonly clock: RigClock;
  /** Writes to /dev/aer_inject. */
  readonly injectAer: (address: PciAddress, error: AerError) => Promise<Result<void>>;
  /** Null: the device is closed. */
  readonly open: { readonly session: DeviceSession; readonly badDma: BadDma | null } | null;
  readonly witness: FaultWitness;
  readonly onEvent: Rig['onEvent'];
}

const notOpen = (address: PciAddress, so: string): ReturnType<typeof failure> =>
  failure('injectorUnavailable', `${address} is not open, so ${so}; arm it first.`, {
    details: { needs: 'open' },
  });

const noEventfd = (address: PciAddress) => notOpen(address, 'there is no eventfd to trigger');
const nobodyDrives = (address: PciAddress) => notOpen(address, 'nobody can make it do a DMA');

const noBadDma = (address: PciAddress): ReturnType<typeof failure> =>
  failure(
    'injectorUnavailable',
    `The bench has no driver for ${address} that could make it do a DMA; a virtio entropy device has one.`,
  );

const badDmaRefusal = (address: PciAddress, open: InjectionNeeds['open']): BenchError | null => {
  if (open === null) return nobodyDrives(address).error;
  return open.badDma === null ? noBadDma(address).error : null;
};

export const injectorOffers = async (
  tree: HostTree,
  { address, aerCounters, ports, zpci }: PciFunction,
  open: InjectionNeeds['open'],
): Promise<readonly InjectorOffer[]> => {
  const loopback: InjectorOffer = {
    injector: 'loopback',
    faults: ['loopback'],
    refusal: open === null ? noEventfd(address).error : null,
  };
  // Firmware reports the errors of a zPCI function, and the kernel sees no AER.
  if (zpci !== null) {
    return [{ injector: 'badDma', faults: ['zpciDma'], refusal: badDmaRefusal(address, open) }, loopback];
  }
  const noAer =
    aerCounters === null || ports.length === 0
      ? failure(
          'injectorUnavailable',
          `${address} has no AER that the kernel handles: it or the port above lacks the capability, or the kernel was booted with pci=noaer.`,
        ).error
      : null;
  return [
    { injector: 'aerInject', faults: ['aer'], refusal: noAer ?? (await aerInjectTrouble(tree)) },
    loopback,
  ];
};

/** The module takes note of an error before it refuses a masked one, so it is not asked (aer_inject.c). */
const checkMask = async (tree: HostTree, address: PciAddress, error: AerError): Promise<Result<void>> => {
  const config = await readLiveConfig(tree, address);
  if (!config.ok) return config;
  const aer = findExtendedCapability(config.value, extendedCapabilityId.advancedErrorReporting);
  if (aer === undefined) {
    return failure('injectionRefused', `${address} has no AER capability to report ${error.name} with.`);
  }
  const register = error.kind === 'correctable' ? aerRegister.correctableMask : aerRegister.uncorrectableMask;
  return (longAt(config.value, aer + register) & error.mask) === 0
    ? done
    : failure(
        'injectionRefused',
        `${error.name} is masked in the AER capability of ${address}, and would never be reported.`,
      );
};

const loopback = async (
  { clock, open }: InjectionNeeds,
  { address, injector, fault }: FaultRequest,
): Promise<Result<FaultReceipt>> => {
  if (open === null) return noEventfd(address);
  const at = clock.now();
  const triggered = await open.session.triggerLoopback();
  if (!triggered.ok) return triggered;
  const detail = 'The kernel signalled the eventfd; nothing happened to the device.';
  return success({ at, injector, fault, delivery: { kind: 'reported', detail } });
};

const throughKernel = async (
  { tree, clock, injectAer, witness }: InjectionNeeds,
  request: FaultRequest,
  error: AerError,
): Promise<Result<FaultReceipt>> => {
  const { address, injector, fault } = request;
  const unmasked = await checkMask(tree, address, error);
  if (!unmasked.ok) return unmasked;
  const expectation = await witness.expectFault(request);
  if (!expectation.ok) return expectation;
  const at = clock.now();
  const injected = await injectAer(address, error);
  if (!injected.ok) return injected;
  const delivery = await witness.settleFault(expectation.value);
  return delivery.ok ? success({ at, injector, fault, delivery: delivery.value }) : delivery;
};

const throughDevice = async (
  { clock, open, onEvent }: InjectionNeeds,
  { address, injector, fault }: FaultRequest,
  where: BadDmaPlace,
): Promise<Result<FaultReceipt>> => {
  if (open === null) return nobodyDrives(address);
  if (open.badDma === null) return noBadDma(address);
  const witness = new ZpciWitness({ clock, onEvent }, address);
  const at = clock.now();
  const caused = await open.badDma.cause(where);
  if (!caused.ok) {
    witness.close();
    return caused;
  }
  return success({ at, injector, fault, delivery: await witness.deliveryOf(caused.value) });
};

/**
 * Causes a fault with what this machine has: the loop-back of an open device, a DMA of an open zPCI function to an address
 * that is not its own, and the kernel's aer_inject.
 */
export const injectFault = async (
  needs: InjectionNeeds,
  found: PciFunction,
  request: FaultRequest,
): Promise<Result<FaultReceipt>> => {
  const { injector, fault } = request;
  if (injector === 'loopback' && fault.kind === 'loopback') return loopback(needs, request);
  if (injector === 'aerInject' && fault.kind === 'aer') {
    const error = findAerError(fault.error);
    return error === undefined
      ? failure('malformedInput', `There is no AER error "${fault.error}".`)
      : throughKernel(needs, request, error);
  }
  if (injector === 'badDma' && fault.kind === 'zpciDma' && found.zpci !== null) {
    return throughDevice(needs, request, fault.where);
  }
  return injector === 'loopback' || injector === 'aerInject' || injector === 'badDma'
    ? failure(
        'injectionRefused',
        `The injector "${injector}" cannot cause a fault of the kind "${fault.kind}" at ${found.address}.`,
      )
    : failure(
        'injectorUnavailable',
        `This machine has no injector "${injector}"; it has aerInject, badDma and loopback.`,
      );
};
