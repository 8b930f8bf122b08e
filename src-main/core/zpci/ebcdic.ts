/**
 * The characters that have one place in all EBCDIC code pages. Firmware writes zPCI utility strings with them
 * (include/uapi/linux/vfio_zdev.h, VFIO_DEVICE_INFO_CAP_ZPCI_UTIL; sysfs `util_string`).
 */
const invariantRuns: readonly (readonly [start: number, characters: string])[] = [
  [0x40, ' '],
  [0x4b, '.<(+'],
  [0x50, '&'],
  [0x5c, '*);'],
  [0x60, '-/'],
  [0x6b, ',%_>?'],
  [0x7a, ':'],
  [0x7d, '\'="'],
  [0x81, 'abcdefghi'],
  [0x91, 'jklmnopqr'],
  [0xa2, 'stuvwxyz'],
  [0xc1, 'ABCDEFGHI'],
  [0xd1, 'JKLMNOPQR'],
  [0xe2, 'STUVWXYZ'],
  [0xf0, '0123456789'],
];

const characters = new Map(
  invariantRuns.flatMap(([start, run]) =>
    [...run].map((character, position) => [start + position, character]),
  ),
);

/** EBCDIC as text: zeros and blanks at the end are dropped, a byte that no code page agrees on becomes U+FFFD. */
export const decodeEbcdic = (bytes: Uint8Array): string => {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0 || bytes[end - 1] === 0x40)) end -= 1;
  return Array.from(bytes.subarray(0, end), (byte) => characters.get(byte) ?? '\ufffd').join('');
};
