import {
  judgeDelivery,
  type Delivery,
  type ReportingFunction,
  type ReportingPath,
} from '../../core/faults/delivery.ts';
import type { FaultRequest } from '../../core/faults/fault.ts';
import { findAerError, type AerError } from '../../core/pci/aer.ts';
import type { PciAddress } from '../../core/pci/address.ts';
import { longAt } from '../../core/pci/bytes.ts';
import { findExtendedCapability } from '../../core/pci/capabilities.ts';
import { aerRegister } from '../../core/pci/capability-registers.ts';
import { extendedCapabilityId } from '../../core/pci/capability-ids.ts';
import { seconds } from '../../core/recovery/phase.ts';
import { done, failure, success, type Result } from '../../core/result.ts';
import { readHardwareConfig, readLiveConfig, writeHardwareConfig } from '../../kernel/sysfs/configSpace.ts';
import { resolved, type HostTree } from '../../kernel/sysfs/hostTree.ts';
import { readPciFunction } from '../../kernel/sysfs/pciFunction.ts';
import type { FaultWitness } from '../faultWitness.ts';
import type { Disposer, RigClock, RigEvent } from '../rig.ts';

export interface WitnessNeeds {
  readonly tree: HostTree;
  readonly clock: RigClock;
  readonly onEvent: (listener: (event: RigEvent) => void) => Disposer;
}

interface Expectation {
  readonly number: number;
  readonly request: FaultRequest;
  readonly error: AerError;
  readonly before: ReportingPath;
  readonly heard: string[];
  /** Set while somebody waits for the next thing to be heard. */
  wake: (() => void) | null;
  readonly stop: Disposer;
}

/** The AER service works in a thread of the kernel; an error takes milliseconds, in an emulator some more. */
const patience = seconds(2);
/** Counters move without a word on some kernels, so they are looked at from time to time. */
const glance = 50_000;

/** What the AER core says of an error that reached it; aer_inject speaks of its own deed on the same port. */
const speaksOfArrival = (text: string): boolean =>
  /AER: .*(received|error)|PCIe Bus Error|error status\/mask|device recovery/i.test(text) &&
  !text.includes('aer_inject');

const reportingFunction = async (tree: HostTree, address: PciAddress): Promise<ReportingFunction> => {
  const [config, found] = await Promise.all([
    readHardwareConfig(tree, address),
    readPciFunction(tree, address),
  ]);
  return {
    address,
    config: config.ok ? config.value : null,
    counters: found?.rootPortCounters ?? found?.aerCounters ?? null,
  };
};

const reportingPath = async (
  tree: HostTree,
  address: PciAddress,
  ports: readonly PciAddress[],
): Promise<ReportingPath> => {
  const [device, ...above] = await Promise.all(
    [address, ...ports].map((one) => reportingFunction(tree, one)),
  );
  return { device: device ?? { address, config: null, counters: null }, ports: above };
};

/** The Uncorrectable Error Severity register decides how severe an error is (PCIe 7.8.4.4). */
const makeAsSevere = async (
  tree: HostTree,
  { address, fault }: FaultRequest,
  error: AerError,
): Promise<Result<void>> => {
  if (fault.kind !== 'aer' || fault.severity === null || error.kind === 'correctable') return done;
  const config = await readLiveConfig(tree, address);
  if (!config.ok) return config;
  const aer = findExtendedCapability(config.value, extendedCapabilityId.advancedErrorReporting);
  if (aer === undefined) return done;
  const at = aer + aerRegister.uncorrectableSeverity;
  const present = longAt(config.value, at);
  const wanted = (fault.severity === 'fatal' ? present | error.mask : present & ~error.mask) >>> 0;
  return wanted === present ? done : writeHardwareConfig(tree, address, at, wanted);
};

/** Watches registers, counters, the kernel log, uevents and signals of this machine. */
export class LinuxFaultWitness implements FaultWitness {
  readonly #needs: WitnessNeeds;
  readonly #expected = new Map<PciAddress, Expectation>();
  #lastNumber = 0;

  constructor(needs: WitnessNeeds) {
    this.#needs = needs;
  }

  async expectFault(request: FaultRequest): Promise<Result<number>> {
    const { address, fault } = request;
    const { tree, onEvent } = this.#needs;
    const error = fault.kind === 'aer' ? findAerError(fault.error) : undefined;
    if (error === undefined) {
      return failure('malformedInput', 'Only an AER error that core/pci/aer knows can be watched for.');
    }
    const found = await readPciFunction(tree, address);
    if (found === null) return failure('unknownAddress', `This machine has no device ${address}.`);
    const severe = await makeAsSevere(tree, request, error);
    if (!severe.ok) return severe;
    const before = await reportingPath(tree, address, found.ports);
    this.#forget(address);
    this.#lastNumber += 1;
    const heard: string[] = [];
    const path: readonly PciAddress[] = [address, ...found.ports];
    const expectation: Expectation = {
      number: this.#lastNumber,
      request,
      error,
      before,
      heard,
      wake: null,
      stop: onEvent((event) => {
        const words = wordsOf(event, address, path);
        if (words === null) return;
        heard.push(words);
        expectation.wake?.();
      }),
    };
    this.#expected.set(address, expectation);
    return success(expectation.number);
  }

  async settleFault(number: number): Promise<Result<Delivery>> {
    const expectation = [...this.#expected.values()].find((one) => one.number === number);
    if (expectation === undefined) {
      return failure('malformedInput', `There is no fault of the number ${number} to wait for.`);
    }
    const { clock } = this.#needs;
    const deadline = clock.now() + patience;
    for (;;) {
      const delivery = await this.#judge(expectation);
      if (delivery.kind === 'reported' || clock.now() >= deadline) {
        this.#forget(expectation.request.address);
        return success(delivery);
      }
      await this.#nextGlance(expectation);
    }
  }

  close(): void {
    for (const address of [...this.#expected.keys()]) this.#forget(address);
  }

  async #judge({ request, error, before, heard }: Expectation): Promise<Delivery> {
    const { device, ports } = before;
    const { tree } = this.#needs;
    const after = await reportingPath(
      tree,
      device.address,
      ports.map(({ address }) => address),
    );
    const aerInjectLoaded = (await resolved(tree.sys, 'module/aer_inject')) !== null;
    return judgeDelivery({ error, injector: request.injector, before, after, heard, aerInjectLoaded });
  }

  #nextGlance(expectation: Expectation): Promise<void> {
    return new Promise((resolve) => {
      const { clock } = this.#needs;
      const cancel = clock.at(clock.now() + glance, resolve);
      expectation.wake = () => {
        cancel();
        resolve();
      };
    });
  }

  #forget(address: PciAddress): void {
    this.#expected.get(address)?.stop();
    this.#expected.delete(address);
  }
}

const wordsOf = (event: RigEvent, address: PciAddress, path: readonly PciAddress[]): string | null => {
  switch (event.kind) {
    case 'signal':
      return event.address === address ? `The kernel signalled the eventfd of ${event.protocol}.` : null;
    case 'uevent':
      return path.includes(event.address)
        ? `The kernel announced "${event.uevent}" of ${event.address}.`
        : null;
    case 'kernelLog':
      return event.address !== null && path.includes(event.address) && speaksOfArrival(event.text)
        ? `The kernel log says: ${event.text}`
        : null;
    default:
      return null;
  }
};
