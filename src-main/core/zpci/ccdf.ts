import { failure, success } from '../result.ts';
import type { Result } from '../result.ts';

/** Bytes of struct zpci_ccdf_err (arch/s390/pci/pci_event.c). Ask the ZPCI_BASE capability how many a kernel gives. */
export const ccdfLength = 32;

/**
 * Content code description of a PCI function error, as the machine stores it. Only the fields that the kernel names;
 * reserved ones are left out.
 */
export interface CcdfRecord {
  /** `fh`: volatile; an event with another handle than the function has now is stale. */
  readonly functionHandle: number;
  /** `fid`: the stable name of the function. */
  readonly functionId: number;
  /** `ett`, 4 bits: the type of translation table that the machine expected. */
  readonly expectedTableType: number;
  /** `mvn`, 12 bits: the MSI vector number. */
  readonly msiVectorNumber: number;
  /** `dmaas`, 8 bits: the DMA address space. */
  readonly dmaAddressSpace: number;
  /** `q`: the event qualifier. */
  readonly eventQualifier: 0 | 1;
  /** `rw`: "read/write". Which value is which is not documented in public, so it is shown as it came. */
  readonly readWrite: 0 | 1;
  /** `faddr` */
  readonly failingAddress: bigint;
  /** `pec`: see `eventCodes.ts`. */
  readonly eventCode: number;
}

const bit = (word: number, position: number): 0 | 1 => (((word >>> position) & 1) === 1 ? 1 : 0);

/**
 * Reads an error record. A longer buffer is not an error: a newer kernel may append to the record, and the buffer may
 * simply be larger than it.
 */
export const decodeCcdf = (bytes: Uint8Array): Result<CcdfRecord> => {
  if (bytes.length < ccdfLength) {
    return failure(
      'malformedStruct',
      `A zPCI error record needs ${ccdfLength} bytes, but there are ${bytes.length}.`,
      { details: { struct: 'zpci_ccdf_err', neededLength: ccdfLength, actualLength: bytes.length } },
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = view.getUint32(12);
  return success({
    functionHandle: view.getUint32(4),
    functionId: view.getUint32(8),
    expectedTableType: word >>> 28,
    msiVectorNumber: (word >>> 16) & 0xfff,
    dmaAddressSpace: (word >>> 8) & 0xff,
    eventQualifier: bit(word, 1),
    readWrite: bit(word, 0),
    failingAddress: view.getBigUint64(16),
    eventCode: view.getUint16(30),
  });
};

/** The record as bytes, for a simulated rig and for fixtures. Throws RangeError when a value does not fit its field. */
export const encodeCcdf = (record: CcdfRecord): Uint8Array => {
  const check = (name: keyof CcdfRecord, bits: number): number => {
    const value = Number(record[name]);
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits) {
      throw new RangeError(`${name} has ${bits} bits and cannot hold ${value}.`);
    }
    return value;
  };
  if (record.failingAddress < 0n || record.failingAddress >= 1n << 64n) {
    throw new RangeError(`failingAddress has 64 bits and cannot hold ${record.failingAddress}.`);
  }
  const bytes = new Uint8Array(ccdfLength);
  const view = new DataView(bytes.buffer);
  const word =
    (check('expectedTableType', 4) << 28) |
    (check('msiVectorNumber', 12) << 16) |
    (check('dmaAddressSpace', 8) << 8) |
    (check('eventQualifier', 1) << 1) |
    check('readWrite', 1);
  view.setUint32(4, check('functionHandle', 32));
  view.setUint32(8, check('functionId', 32));
  view.setUint32(12, word);
  view.setBigUint64(16, record.failingAddress);
  view.setUint16(30, check('eventCode', 16));
  return bytes;
};
