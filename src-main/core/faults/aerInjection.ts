import { partsOf } from '../pci/address.ts';
import type { PciAddress } from '../pci/address.ts';
import type { AerError } from '../pci/aer.ts';
import { struct } from '../vfio/struct.ts';
import type { ByteOrder } from '../vfio/struct.ts';

/** drivers/pci/pcie/aer_inject.c: what a write to /dev/aer_inject holds, 32 bytes in the host's byte order. */
const aerErrorInjection = struct('struct aer_error_inj', [
  ['bus', 'u8'],
  ['dev', 'u8'],
  ['fn', 'u8'],
  ['uncor_status', 'u32'],
  ['cor_status', 'u32'],
  ['header_log0', 'u32'],
  ['header_log1', 'u32'],
  ['header_log2', 'u32'],
  ['header_log3', 'u32'],
  ['domain', 'u32'],
]);

/** The header that is logged with the error; any four words do, these are easy to find again in a kernel log. */
const headerLog = { header_log0: 0x0b0e_0001, header_log1: 0, header_log2: 0, header_log3: 0 } as const;

export const encodeAerInjection = (order: ByteOrder, address: PciAddress, error: AerError): Uint8Array => {
  const { domain, bus, device, function: fn } = partsOf(address);
  return aerErrorInjection.encode(order, {
    bus,
    dev: device,
    fn,
    uncor_status: error.kind === 'uncorrectable' ? error.mask : 0,
    cor_status: error.kind === 'correctable' ? error.mask : 0,
    ...headerLog,
    domain,
  });
};
