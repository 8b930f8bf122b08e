import { restorePolicies } from '../../core/restore/history.ts';
import { z } from 'zod';
import { traceTold } from '../../../preload/contract/kernelTrace.ts';
import { automaticReport, benchError, microseconds } from '../../../preload/contract/reports.ts';
import {
  hostUses,
  injectorNames,
  type Fault,
  type FaultReceipt,
  type FaultRequest,
  type FaultTarget,
  type InjectorOffer,
} from '../../core/faults/fault.ts';
import type { PlatformOffer } from '../../core/faults/platformPreflight.ts';
import { parsePciAddress, type PciAddress } from '../../core/pci/address.ts';
import { protocols } from '../../core/recovery/phase.ts';
import { resetKinds } from '../../core/recovery/reports.ts';
import { platformActions, type PlatformReport } from '../../core/zpci/platformActions.ts';
import type { ZpciFunction } from '../../core/zpci/zpciFunction.ts';
import type { AutomaticOrder, DeviceCapabilities, DeviceSummary, RigEvent, RigInfo } from '../rig.ts';

/**
 * What `rig.ts` and `core/faults` hand over, as an agent sends it. Those types lead: a schema that lacks a member or
 * knows one too many does not compile, here or in the test of the wire.
 */
const count = z.int().nonnegative();
const register = z.int().min(0).max(0xffff_ffff);
const identifier = z.int().min(0).max(0xffff);

const isCanonical = (text: unknown): boolean => {
  const parsed = typeof text === 'string' ? parsePciAddress(text) : null;
  return parsed?.ok === true && parsed.value === text;
};

/** Only in the one form of `core/pci/address`: two ends that spell an address differently mean different devices. */
export const address = z.custom<PciAddress>(isCanonical, 'This is not a PCI address like 0000:01:00.0.');
export const protocol = z.enum(protocols);

export const rigInfo: z.ZodType<RigInfo> = z.object({
  kind: z.enum(['simulated', 'local', 'remote', 'virtual']),
  name: z.string(),
  title: z.string(),
  kernel: z.string(),
  architecture: z.enum(['x86_64', 's390x', 'ppc64le']),
});

const zpciFunction: z.ZodType<ZpciFunction> = z.object({
  uid: identifier.nullable(),
  fid: register,
  functionHandle: register.nullable(),
  pchid: register.nullable(),
  pfgid: register.nullable(),
  pft: register.nullable(),
  vfn: register.nullable(),
  utilityString: z.string().max(1_000),
  uidIsUnique: z.boolean(),
});

export const deviceSummary: z.ZodType<DeviceSummary> = z.object({
  address,
  name: z.string(),
  kind: z.enum(['endpoint', 'bridge']),
  className: z.string(),
  vendorId: identifier,
  deviceId: identifier,
  parent: address.nullable(),
  driver: z.string().nullable(),
  iommuGroup: count.nullable(),
  protocols: z.array(protocol),
  aerCounters: z.object({ correctable: count, nonFatal: count, fatal: count }).nullable(),
  zpci: zpciFunction.exactOptional(),
});

export const deviceCapabilities: z.ZodType<DeviceCapabilities> = z.object({
  protocols: z.array(protocol),
  ackTimeout: microseconds.positive(),
  uevents: z.enum(['observable', 'unobservable']),
  sharers: z.array(address),
  resetKinds: z.array(z.enum(resetKinds)),
  restores: z.enum(restorePolicies),
});

export const automaticOrder: z.ZodType<AutomaticOrder> = z.object({
  at: z.union([z.literal('signal'), microseconds.nonnegative()]),
  latest: microseconds.nonnegative(),
});

const at = microseconds;

/** What a far end tells of its machine. That a link was lost and came back is told by the near end alone. */
export type FarEvent = Exclude<RigEvent, { readonly kind: 'linkLost' | 'linkRestored' }>;

export const farEvent: z.ZodType<FarEvent> = z.discriminatedUnion('kind', [
  z.object({
    at,
    kind: z.literal('signal'),
    address,
    protocol,
    count: count.positive(),
    number: count.positive(),
    answered: automaticReport.nullable(),
  }),
  z.object({
    at,
    kind: z.literal('answered'),
    address,
    protocol,
    number: count.positive(),
    answered: automaticReport,
  }),
  z.object({ at, kind: z.literal('releaseRequested'), address }),
  z.object({
    at,
    kind: z.literal('uevent'),
    address,
    uevent: z.enum(['beginRecovery', 'successfulRecovery', 'failedRecovery']),
  }),
  z.object({ at, kind: z.literal('kernelLog'), address: address.nullable(), text: z.string() }),
  z.object({ at, kind: z.literal('kernelTrace'), address: address.nullable(), told: traceTold }),
  z.object({ at, kind: z.literal('deviceRemoved'), address }),
  z.object({ at, kind: z.literal('deviceAdded'), address }),
]);

const fault: z.ZodType<Fault> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('aer'),
    error: z.string(),
    severity: z.enum(['correctable', 'nonFatal', 'fatal']).nullable(),
  }),
  z.object({ kind: z.literal('zpciDma'), where: z.enum(['unmapped', 'belowAperture', 'aboveAperture']) }),
  z.object({ kind: z.literal('eehFreeze') }),
  z.object({ kind: z.literal('loopback') }),
  z.object({ kind: z.literal('unplug') }),
]);

const injector = z.enum(injectorNames);

export const faultRequest: z.ZodType<FaultRequest> = z.object({ address, injector, fault });

export const faultDelivery: z.ZodType<FaultReceipt['delivery']> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('reported'), detail: z.string() }),
  z.object({
    kind: z.literal('lost'),
    where: z.enum(['masked', 'deviceControl', 'serr', 'platform']),
    detail: z.string(),
  }),
]);

export const faultReceipt: z.ZodType<FaultReceipt> = z.object({
  at,
  injector,
  fault,
  delivery: faultDelivery,
});

export const injectorOffer: z.ZodType<InjectorOffer> = z.object({
  injector,
  faults: z.array(z.enum(['aer', 'zpciDma', 'eehFreeze', 'loopback', 'unplug'])),
  refusal: benchError.nullable(),
});

export const platformAction = z.enum(platformActions);

export const platformOffer: z.ZodType<PlatformOffer> = z.object({
  action: platformAction,
  refusal: benchError.nullable(),
});

export const platformReport: z.ZodType<PlatformReport> = z.object({
  action: platformAction,
  took: microseconds.nonnegative(),
  present: z.boolean(),
});

const use = z.enum(hostUses);
/** What a disk or a link is called on the far machine. */
const usedAs = z.string().max(400).exactOptional();

export const faultTarget: z.ZodType<FaultTarget> = z.object({
  address,
  kind: z.enum(['endpoint', 'bridge']),
  link: z.enum(['up', 'frozen', 'removed']),
  use,
  usedAs,
  siblings: z.array(
    z.object({
      address,
      driver: z.string().nullable(),
      use,
      usedAs,
      owner: z.enum(['vfio', 'host', 'nobody']),
    }),
  ),
  aer: z.object({ uncorrectableMask: register, correctableMask: register }).nullable(),
});
