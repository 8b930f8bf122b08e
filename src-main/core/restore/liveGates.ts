/** Which features the kernel holds live, as far as the hardware and what the kernel was told to do show it. */
import { longAt, wordAt } from '../pci/bytes.ts';
import { capabilityId, extendedCapabilityId } from '../pci/capability-ids.ts';
import {
  atsControlBit,
  atsRegister,
  msiControlBit,
  msiRegister,
  msixControlBit,
  msixRegister,
  pasidControlBit,
  pasidRegister,
  priControlBit,
  priRegister,
  sriovRegister,
  tphRegister,
} from '../pci/capability-registers.ts';
import type { PlacedCapability, Placement } from '../pci/placement.ts';
import type { KernelFeature } from './history.ts';
import { knownBits, type KnownImage } from './knownImage.ts';

/** Whether a feature is on in the live kernel state, by where its capability starts. */
export type Gates = ReadonlyMap<number, 'on' | 'off' | 'unknown'>;

interface GateRule {
  readonly extended: boolean;
  readonly id: number;
  readonly feature: KernelFeature;
  readonly offset: number;
  readonly mask: number;
}

const standard = (id: number, feature: KernelFeature, offset: number, mask: number): GateRule => ({
  extended: false,
  id,
  feature,
  offset,
  mask,
});
const extended = (id: number, feature: KernelFeature, offset: number, mask: number): GateRule => ({
  extended: true,
  id,
  feature,
  offset,
  mask,
});

/** The enable bits by which the hardware shows, while nothing has reset it, what the kernel holds enabled. */
const gateRules: readonly GateRule[] = [
  standard(capabilityId.msi, 'msi', msiRegister.control, msiControlBit.enable),
  standard(capabilityId.msix, 'msix', msixRegister.control, msixControlBit.enable),
  extended(
    extendedCapabilityId.processAddressSpaceId,
    'pasid',
    pasidRegister.control,
    pasidControlBit.enable,
  ),
  extended(extendedCapabilityId.pageRequestInterface, 'pri', priRegister.control, priControlBit.enable),
  extended(extendedCapabilityId.addressTranslationServices, 'ats', atsRegister.control, atsControlBit.enable),
  extended(extendedCapabilityId.tphRequester, 'tph', tphRegister.control, 0x0300),
];

const otherFeatures: readonly (readonly [KernelFeature, number])[] = [
  ['sriov', extendedCapabilityId.singleRootVirtualization],
  ['resizableBar', extendedCapabilityId.resizableBar],
  ['vfResizableBar', extendedCapabilityId.virtualFunctionResizableBar],
];

export const blocksOf = ({ capabilities }: Placement, feature: KernelFeature): readonly PlacedCapability[] =>
  capabilities.filter(
    ({ entry }) =>
      gateRules.some(
        (rule) => rule.feature === feature && rule.id === entry.id && rule.extended === entry.extended,
      ) || otherFeatures.some(([name, id]) => name === feature && entry.extended && id === entry.id),
  );

export const gateOf = (
  block: PlacedCapability,
  live: KnownImage,
  told: Gates,
): 'on' | 'off' | 'unknown' | null => {
  const { entry, base } = block;
  const rule = gateRules.find(({ id, extended: wide }) => id === entry.id && wide === entry.extended);
  if (rule === undefined) return null;
  const known = told.get(base);
  if (known !== undefined) return known;
  if ((knownBits(live, base + rule.offset, 2) & rule.mask) !== rule.mask) return 'unknown';
  return (wordAt(live.value, base + rule.offset) & rule.mask) === 0 ? 'off' : 'on';
};

/** `told`: what the kernel was told to switch, by where the capability starts; the hardware cannot belie it. */
export const gatesOf = ({ capabilities }: Placement, live: KnownImage, told: Gates): Gates => {
  const gates = new Map<number, 'on' | 'off' | 'unknown'>();
  for (const block of capabilities) {
    const gate = gateOf(block, live, told);
    if (gate !== null) gates.set(block.base, gate);
  }
  return gates;
};

/** The bytes that the kernel writes from its live state when it switches a feature; the rest of it stays as it was. */
export const rewritten = (
  feature: KernelFeature,
  change: 'enabled' | 'disabled',
  base: number,
  end: number,
): readonly (readonly [number, number])[] => {
  if (feature === 'sriov') {
    return [sriovRegister.control, sriovRegister.numVfs].map((offset) => [base + offset, base + offset + 2]);
  }
  if (change === 'enabled') return [[base, end]];
  const rule = gateRules.find((one) => one.feature === feature);
  return rule === undefined ? [] : [[base + rule.offset, base + rule.offset + 2]];
};

/** A VF BAR that the device does not have is not written (drivers/pci/iov.c, pci_iov_update_resource). */
export const hasVfBaseAddress = (config: Uint8Array, register: number, first: number): boolean =>
  longAt(config, register) !== 0 || (register > first && (longAt(config, register - 4) & 0x6) === 0x4);
