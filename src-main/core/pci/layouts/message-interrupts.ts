/** MSI (PCIe 7.7.1; PCI_MSI_*) and MSI-X (PCIe 7.7.2; PCI_MSIX_*). */
import { wordAt } from '../bytes.ts';
import { msiControlBit, msiRegister } from '../capability-registers.ts';
import { bits, conventionalHead, flag, hexadecimal, oneOf, plain, register } from './specification.ts';
import type { Layout, RegisterSpecification } from './specification.ts';

const counts = oneOf('1', '2', '4', '8', '16', '32', '64', '128');

const msiStart: readonly RegisterSpecification[] = [
  conventionalHead,
  register(0x02, 2, 'messageControl', 'MSI', [
    flag(0, 'enable', 'Enable'),
    bits(3, 1, 'multipleMessageCapable', 'Capable', counts),
    bits(6, 4, 'multipleMessageEnable', 'Enabled', counts),
    flag(7, 'address64', '64bit'),
    flag(8, 'perVectorMasking', 'Maskable'),
  ]),
  plain(0x04, 4, 'messageAddress', 'Address', hexadecimal(8)),
];

const msiTail = (after: number, upper: boolean, masking: boolean): readonly RegisterSpecification[] => [
  ...msiStart,
  ...(upper ? [plain(0x08, 4, 'messageUpperAddress', 'Upper address', hexadecimal(8))] : []),
  plain(after, 2, 'messageData', 'Data', hexadecimal(4)),
  ...(masking
    ? [
        plain(after + 4, 4, 'maskBits', 'Masking', hexadecimal(8)),
        plain(after + 8, 4, 'pendingBits', 'Pending', hexadecimal(8)),
      ]
    : []),
];

const msi32 = msiTail(0x08, false, false);
const msi32Masked = msiTail(0x08, false, true);
const msi64 = msiTail(0x0c, true, false);
const msi64Masked = msiTail(0x0c, true, true);

/** Four layouts: address of 32 or 64 bits, with or without per-vector masking. */
export const msi: Layout = ({ config, offset }) => {
  const control = wordAt(config, offset + msiRegister.control);
  const masking = (control & msiControlBit.perVectorMasking) !== 0;
  if ((control & msiControlBit.address64) !== 0) return masking ? msi64Masked : msi64;
  return masking ? msi32Masked : msi32;
};

const location = [
  bits(2, 0, 'bar', 'BAR'),
  bits(31, 3, 'offset', 'offset', (_: number, whole: number) => hexadecimal(8)((whole & ~7) >>> 0, 0)),
];

export const msix: readonly RegisterSpecification[] = [
  conventionalHead,
  register(0x02, 2, 'messageControl', 'MSI-X', [
    bits(10, 0, 'tableSizeMinusOne', 'Count', (value) => `${value + 1}`),
    flag(14, 'functionMask', 'Masked'),
    flag(15, 'enable', 'Enable'),
  ]),
  register(0x04, 4, 'table', 'Vector table', location),
  register(0x08, 4, 'pendingBitArray', 'PBA', location),
];
