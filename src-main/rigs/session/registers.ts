import { walkCapabilities } from '../../core/pci/capabilities.ts';
import { capabilityId, extendedCapabilityId } from '../../core/pci/capability-ids.ts';

/** Where the registers that a recovery touches are, for one device; 0 where it has none. Found once, at open. */
export interface RegisterMap {
  readonly express: number;
  readonly aer: number;
  readonly msix: number;
}

export const registerMapOf = (config: Uint8Array): RegisterMap => {
  const { capabilities } = walkCapabilities(config);
  const find = (id: number, extended: boolean): number =>
    capabilities.find((entry) => entry.id === id && entry.extended === extended)?.offset ?? 0;
  return {
    express: find(capabilityId.pciExpress, false),
    aer: find(extendedCapabilityId.advancedErrorReporting, true),
    msix: find(capabilityId.msix, false),
  };
};
