import { decodeCcdf } from '../../../src-main/core/zpci/ccdf.ts';

/** The fields of a record that nothing else shows, by their names in the kernel; empty when the bytes are not one. */
export const ccdfFields = (raw: string): string => {
  const bytes = Uint8Array.from(raw.match(/[0-9a-f]{2}/gi) ?? [], (pair) => Number.parseInt(pair, 16));
  const decoded = decodeCcdf(bytes);
  if (!decoded.ok) return '';
  const { expectedTableType, msiVectorNumber, dmaAddressSpace, eventQualifier, readWrite } = decoded.value;
  return `ett ${expectedTableType} mvn ${msiVectorNumber} dmaas ${dmaAddressSpace} q ${eventQualifier} rw ${readWrite}`;
};
