/** The classes that a lab machine has (PCI Code and ID Assignment, 1), for machines without a pci.ids. */
const baseClasses: Readonly<Record<number, string>> = {
  0x00: 'Unclassified device',
  0x01: 'Mass storage controller',
  0x02: 'Network controller',
  0x03: 'Display controller',
  0x04: 'Multimedia controller',
  0x05: 'Memory controller',
  0x06: 'Bridge',
  0x07: 'Communication controller',
  0x08: 'Generic system peripheral',
  0x09: 'Input device controller',
  0x0b: 'Processor',
  0x0c: 'Serial bus controller',
  0x0d: 'Wireless controller',
  0x10: 'Encryption controller',
  0x11: 'Signal processing controller',
  0x12: 'Processing accelerators',
  0xff: 'Unassigned class',
};

const subClasses: Readonly<Record<number, string>> = {
  0x0100: 'SCSI storage controller',
  0x0106: 'SATA controller',
  0x0107: 'Serial Attached SCSI controller',
  0x0108: 'Non-Volatile memory controller',
  0x0200: 'Ethernet controller',
  0x0207: 'Infiniband controller',
  0x0300: 'VGA compatible controller',
  0x0302: '3D controller',
  0x0403: 'Audio device',
  0x0600: 'Host bridge',
  0x0601: 'ISA bridge',
  0x0604: 'PCI bridge',
  0x0780: 'Communication controller',
  0x0880: 'System peripheral',
  0x0c03: 'USB controller',
  0x0c05: 'SMBus',
};

/** By sub-class where it is known, otherwise by base class. */
export const classNameOf = (classCode: number): string =>
  subClasses[classCode >>> 8] ?? baseClasses[classCode >>> 16] ?? 'Unknown class';
