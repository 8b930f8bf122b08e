import { failure, success } from '../result.ts';
import type { Result } from '../result.ts';
import { formatPciAddress } from './address.ts';
import type { PciAddress } from './address.ts';

declare const uidBrand: unique symbol;
declare const fidBrand: unique symbol;

/** The user-defined identifier of an s390x PCI function: 1 to ffff, 0 means that none is defined. */
export type Uid = number & { readonly [uidBrand]: true };

/** The function identifier of an s390x PCI function, 32 bits; also the name of its hot-plug slot. */
export type Fid = number & { readonly [fidBrand]: true };

const parseHex = (text: string, digits: number): number | undefined =>
  text.length <= digits + 2 && /^0x[0-9a-f]+$/i.test(text) ? Number.parseInt(text.slice(2), 16) : undefined;

/** Accepts `0x1234` as sysfs `uid` shows it; `malformedInput` for anything else, 0 included. */
export const parseUid = (text: string): Result<Uid> => {
  const value = parseHex(text, 4);
  if (value === undefined || value === 0) {
    return failure('malformedInput', `A UID is written like 0x1234, from 0x1 to 0xffff.`);
  }
  return success(value as Uid);
};

/** Accepts `0x00000056` as sysfs `function_id` shows it, and shorter; `malformedInput` for anything else. */
export const parseFid = (text: string): Result<Fid> => {
  const value = parseHex(text, 8);
  if (value === undefined) {
    return failure('malformedInput', `A FID is written like 0x00000056, from 0x0 to 0xffffffff.`);
  }
  return success(value as Fid);
};

// The two widths are those of sysfs (arch/s390/pci/pci_sysfs.c: uid "0x%x", function_id "0x%08x").
export const formatUid = (uid: Uid): string => `0x${uid.toString(16)}`;
export const formatFid = (fid: Fid): string => `0x${fid.toString(16).padStart(8, '0')}`;

/**
 * The address of the function with this UID where `/sys/firmware/clp/uid_checking` is on: the UID is then the domain,
 * and each function has a domain of its own (arch/s390/pci/pci.c, zpci_alloc_domain). With UID checking off domains are
 * handed out in order of discovery and this answer means nothing.
 */
export const addressOfUid = (uid: Uid): PciAddress => {
  const address = formatPciAddress({ domain: uid, bus: 0, device: 0, function: 0 });
  if (!address.ok) throw new Error(`Not a UID: ${uid}`);
  return address.value;
};
