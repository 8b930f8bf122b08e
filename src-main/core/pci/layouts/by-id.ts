/** Which layout belongs to which capability id. An id that is not here is shown raw. */
import { capabilityId, extendedCapabilityId } from '../capability-ids.ts';
import { accessControlServices, alternativeRoutingId } from './access-control.ts';
import {
  addressTranslationServices,
  pageRequestInterface,
  processAddressSpaceId,
} from './address-translation.ts';
import { advancedErrorReporting } from './advanced-error-reporting.ts';
import { downstreamPortContainment } from './downstream-port-containment.ts';
import { msi, msix } from './message-interrupts.ts';
import { pciExpress } from './pci-express.ts';
import { powerManagement } from './power-management.ts';
import { resizableBar } from './resizable-bar.ts';
import { singleRootVirtualization } from './single-root-virtualization.ts';
import type { Layout, RegisterSpecification } from './specification.ts';
import {
  deviceSerialNumber,
  l1PowerManagementSubstates,
  latencyToleranceReporting,
  precisionTimeMeasurement,
} from './time-and-latency.ts';
import { tphRequester } from './tph-requester.ts';
import {
  bridgeSubsystemId,
  designatedVendorSpecific,
  extendedVendorSpecific,
  vendorSpecific,
} from './vendor-specific.ts';
import { virtualChannel } from './virtual-channel.ts';

const always =
  (registers: readonly RegisterSpecification[]): Layout =>
  () =>
    registers;

export const conventionalLayouts: ReadonlyMap<number, Layout> = new Map<number, Layout>([
  [capabilityId.powerManagement, always(powerManagement)],
  [capabilityId.msi, msi],
  [capabilityId.vendorSpecific, vendorSpecific],
  [capabilityId.bridgeSubsystemId, always(bridgeSubsystemId)],
  [capabilityId.pciExpress, pciExpress],
  [capabilityId.msix, always(msix)],
]);

export const extendedLayouts: ReadonlyMap<number, Layout> = new Map<number, Layout>([
  [extendedCapabilityId.advancedErrorReporting, advancedErrorReporting],
  [extendedCapabilityId.virtualChannel, virtualChannel],
  [extendedCapabilityId.virtualChannelWithMfvc, virtualChannel],
  [extendedCapabilityId.deviceSerialNumber, always(deviceSerialNumber)],
  [extendedCapabilityId.vendorSpecific, extendedVendorSpecific],
  [extendedCapabilityId.accessControlServices, accessControlServices],
  [extendedCapabilityId.alternativeRoutingId, always(alternativeRoutingId)],
  [extendedCapabilityId.addressTranslationServices, always(addressTranslationServices)],
  [extendedCapabilityId.singleRootVirtualization, always(singleRootVirtualization)],
  [extendedCapabilityId.pageRequestInterface, always(pageRequestInterface)],
  [extendedCapabilityId.resizableBar, resizableBar],
  [extendedCapabilityId.virtualFunctionResizableBar, resizableBar],
  [extendedCapabilityId.tphRequester, tphRequester],
  [extendedCapabilityId.latencyToleranceReporting, always(latencyToleranceReporting)],
  [extendedCapabilityId.processAddressSpaceId, always(processAddressSpaceId)],
  [extendedCapabilityId.downstreamPortContainment, downstreamPortContainment],
  [extendedCapabilityId.l1PowerManagementSubstates, always(l1PowerManagementSubstates)],
  [extendedCapabilityId.precisionTimeMeasurement, always(precisionTimeMeasurement)],
  [extendedCapabilityId.designatedVendorSpecific, designatedVendorSpecific],
]);
